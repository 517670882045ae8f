// The structure and its algorithms.
export { type Bounds, bounds } from './bounds.ts'
export { GrowingGraph, type Growth } from './growing.ts'
export { cull, type Dag, dagOf, type Selection } from './dag.ts'
export { criticalPath, earliestStarts, levels, remainingPaths, span, work } from './paths.ts'
export { Schedule } from './schedule.ts'
export { type Simulation, simulate } from './simulate.ts'

// Graphs of named tasks, and what they will do.
export { type Durations, anyKnown, expectedMs, finiteMs } from './estimates.ts'
export { GraphModel, type Needs, type ResultsOf, TaskRef } from './model.ts'
export { makePlan } from './make-plan.ts'
export type { Plan, PlannedTask } from './plan.ts'
