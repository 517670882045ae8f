"""Runs the graph of graph.bench.mjs on Dask's threaded scheduler."""

from time import perf_counter

from dask.threaded import get
from harness.serve import serve


def layered(size):
    """Needs of each task, from the same seed as in graph.bench.mjs (mulberry32)."""
    seed = 42

    def random():
        nonlocal seed
        seed = (seed + 0x6D2B79F5) & 0xFFFFFFFF
        t = ((seed ^ (seed >> 15)) * (1 | seed)) & 0xFFFFFFFF
        t = ((t + (((t ^ (t >> 7)) * (61 | t)) & 0xFFFFFFFF)) & 0xFFFFFFFF) ^ t
        return t ^ (t >> 14)

    width = round(size**0.5)
    rows = []
    for task in range(size):
        above = task // width * width - width
        same = above + task % width
        rows.append([] if above < 0 else list(dict.fromkeys([same, *(above + random() % width for _ in range(random() % 3))])))
    return rows


def trivial(*needs):
    return 1 + (needs[0] if needs else 0)


graph = {}
final = []


def answer(size=None):
    """With a size: makes the graph. Without: runs it and gives the seconds that took."""
    global graph, final
    if size is not None:
        rows = layered(size)
        graph = {f"t{i}": (trivial, *(f"t{need}" for need in needs)) for i, needs in enumerate(rows)}
        needed = {need for needs in rows for need in needs}
        final = [f"t{i}" for i in range(size) if i not in needed]
        return size
    started_at = perf_counter()
    results = get(graph, final)
    seconds = perf_counter() - started_at
    depth = -(-len(graph) // round(len(graph) ** 0.5))
    if max(results) != depth:
        raise RuntimeError(f"wrong result: the graph is {depth} layers deep")
    return seconds


serve(answer)
