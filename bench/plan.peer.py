"""Schedules the plan of plan.bench.mjs with OR-Tools CP-SAT."""

from harness.serve import serve
from ortools.sat.python import cp_model


def answer(plan, seconds):
    model = cp_model.CpModel()
    tasks, resources = plan["tasks"], plan["resources"]
    horizon = sum(task["duration"] for task in tasks)
    starts = {task["id"]: model.new_int_var(0, horizon, task["id"]) for task in tasks}
    lengths = {task["id"]: task["duration"] for task in tasks}
    intervals = {id: model.new_fixed_size_interval_var(starts[id], lengths[id], id) for id in starts}
    end = model.new_int_var(0, horizon, "end")
    for task in tasks:
        model.add(end >= starts[task["id"]] + task["duration"])
        for need in task["needs"]:
            model.add(starts[task["id"]] >= starts[need] + lengths[need])
    for resource in resources:
        users = [task for task in tasks if resource["id"] in task["resources"]]
        if users:
            units = [task["resources"][resource["id"]] for task in users]
            model.add_cumulative([intervals[task["id"]] for task in users], units, resource["capacity"])
    model.minimize(end)
    solver = cp_model.CpSolver()
    solver.parameters.max_time_in_seconds = seconds
    solver.parameters.num_workers = 2
    solver.solve(model)
    return {"figure": solver.objective_value, "lower bound": solver.best_objective_bound, "s": solver.wall_time}


serve(answer)
