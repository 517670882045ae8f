"""Runs the expressions of array.bench.mjs on Dask (threaded scheduler), NumPy and NumExpr."""

from time import perf_counter

import dask
import dask.array as da
import numexpr
import numpy as np
from harness.serve import serve

dask.config.set(scheduler="threads")
chunk = {"default": 2_000_000, "random": 10_000_000, "memory": 5_000_000}
data = {}


def values(n):
    """The same kind of data for everybody: uniform numbers in memory."""
    if n not in data:
        data[n] = np.random.default_rng(7).random(n)
    return data[n]


def lazy(n, chunks):
    return da.from_array(values(n), chunks=chunks)


def with_dask(case, n, path):
    if case == "mean of random":
        return da.random.default_rng(42).random(n, chunks=chunk["random"]).mean().compute()
    if case == "mean of sin² + cos²":
        x = da.random.default_rng(42).random(n, chunks=chunk["random"])
        return (da.sin(x) ** 2 + da.cos(x) ** 2).mean().compute()
    if case == "mean and std of a file":
        x = da.from_array(np.load(path, mmap_mode="r"), chunks=4_000_000)
        return sum(dask.compute(x.mean(), x.std()))
    x = lazy(n, chunk["memory"] if n > 20_000_000 else chunk["default"])
    expressions = {
        "sum": lambda: x.sum(),
        "sum of 2x + 1": lambda: (2 * x + 1).sum(),
        "var": lambda: x.var(),
        "min and max": lambda: x.max() - x.min(),
        "argmax": lambda: x.argmax(),
        "histogram": lambda: da.histogram(x, bins=100, range=(0, 1))[0],
        "cumsum": lambda: x.cumsum(axis=0),
        "where": lambda: da.where(x > 0.5, x, -x),
        "mask": lambda: x[x > 0.5],
        "product of 1000 × 1000": lambda: x.reshape(1000, 1000) @ x.reshape(1000, 1000),
    }
    return expressions[case]().compute()


def with_numpy(case, n, path):
    if case == "mean of random":
        return np.random.default_rng(42).random(n).mean()
    if case == "mean of sin² + cos²":
        x = np.random.default_rng(42).random(n)
        return (np.sin(x) ** 2 + np.cos(x) ** 2).mean()
    x = values(n)
    expressions = {
        "sum": lambda: x.sum(),
        "sum of 2x + 1": lambda: (2 * x + 1).sum(),
        "var": lambda: x.var(),
        "min and max": lambda: x.max() - x.min(),
        "argmax": lambda: x.argmax(),
        "histogram": lambda: np.histogram(x, bins=100, range=(0, 1))[0],
        "cumsum": lambda: x.cumsum(axis=0),
        "where": lambda: np.where(x > 0.5, x, -x),
        "mask": lambda: x[x > 0.5],
        "product of 1000 × 1000": lambda: x.reshape(1000, 1000) @ x.reshape(1000, 1000),
    }
    return expressions[case]()


def with_numexpr(case, n, path):
    x = values(n)  # noqa: F841, found by name
    return numexpr.evaluate({"sum": "sum(x)", "sum of 2x + 1": "sum(2 * x + 1)", "where": "where(x > 0.5, x, -x)"}[case])


def answer(peer, case, n, path=None):
    """Seconds for one run; the data in memory is made before."""
    run = {"dask": with_dask, "numpy": with_numpy, "numexpr": with_numexpr}[peer]
    if "random" not in case and "sin" not in case and path is None:
        values(n)
    started_at = perf_counter()
    run(case, n, path)
    return perf_counter() - started_at


serve(answer)
