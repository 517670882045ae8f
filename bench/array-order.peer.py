"""Runs the expressions of array-order.bench.mjs on NumPy and Dask (threaded scheduler)."""

from time import perf_counter

import dask
import dask.array as da
import numpy as np
from harness.serve import serve

dask.config.set(scheduler="threads")
data = {}


def values(shape):
    key = tuple(shape)
    if key not in data:
        data[key] = np.random.default_rng(7).random(key)
    return data[key]


def with_numpy(case, x):
    indices = np.random.default_rng(5).integers(0, 200_000, 1_000_000) if "indices" in case else None
    expressions = {
        "sort of 20 M": lambda: np.sort(x),
        "sort of 20,000 rows of 1,000": lambda: np.sort(x),
        "argsort of 20,000 rows of 1,000": lambda: np.argsort(x, kind="stable"),
        "median of 2,000 rows of 10,000": lambda: np.quantile(x, 0.5, axis=1),
        "three quantiles of 2,000 columns": lambda: np.quantile(x, [0.1, 0.5, 0.9], axis=0),
        "five largest of 20,000 rows of 1,000": lambda: np.sort(np.partition(x, -5)[:, -5:])[:, ::-1],
        "rows by 1 M indices": lambda: np.take(x, indices, axis=0),
    }
    return expressions[case]


def with_dask(case, x):
    rows = da.from_array(x, chunks=(max(1, x.shape[0] // 8), x.shape[1]) if "columns" not in case else (x.shape[0], 250))
    expressions = {
        "median of 2,000 rows of 10,000": lambda: rows.map_blocks(lambda b: np.quantile(b, 0.5, axis=1), drop_axis=1).compute(),
        "three quantiles of 2,000 columns": lambda: rows.map_blocks(
            lambda b: np.quantile(b, [0.1, 0.5, 0.9], axis=0), chunks=((3,), rows.chunks[1])
        ).compute(),
        "five largest of 20,000 rows of 1,000": lambda: da.topk(rows, 5, axis=1).compute(),
    }
    return expressions[case]


def answer(peer, case, shape):
    """Seconds for one run; the data in memory is made before."""
    run = {"numpy": with_numpy, "dask": with_dask}[peer](case, values(shape))
    started_at = perf_counter()
    run()
    return perf_counter() - started_at


serve(answer)
