"""Runs the cases of array-linear.bench.mjs on NumPy, Dask (threaded scheduler) and pyarrow."""

from time import perf_counter

import numpy as np
from harness.serve import serve

data = {}


def matrices(n, dtype):
    if (n, dtype) not in data:
        random = np.random.default_rng(7)
        data[n, dtype] = [random.random((n, n)).astype(dtype) for _ in range(3)]
    return data[n, dtype]


def blur(x):
    out = np.empty_like(x)
    out[1:-1, 1:-1] = (
        x[:-2, :-2] + x[:-2, 1:-1] + x[:-2, 2:] + x[1:-1, :-2] + x[1:-1, 1:-1] + x[1:-1, 2:] + x[2:, :-2] + x[2:, 1:-1] + x[2:, 2:]
    ) / 9
    return out


def image(side):
    import dask.array as da

    if side not in data:
        data[side] = da.from_array(np.random.default_rng(7).random((side, side)), chunks=(1000, side))
    return data[side]


def write(table):
    import pyarrow as pa
    import pyarrow.parquet as pq

    random = np.random.default_rng(7)
    count = 125_000_000
    pq.write_table(pa.table({"x": random.random(count), "y": np.arange(count, dtype="i4")}), table)


def answer(peer, case, n, side, table):
    """Seconds for one run; the data in memory is made before."""
    if peer == "write":
        write(table)
        return 0
    if peer == "numpy":
        a, b, c = matrices(n, "f4" if case.endswith("f32") else "f8")
        started_at = perf_counter()
        a @ b @ c if case.startswith("einsum") else a @ b
    elif peer == "dask":
        import dask

        dask.config.set(scheduler="threads")
        x = image(side)
        started_at = perf_counter()
        x.map_overlap(blur, depth=1, boundary="nearest").compute()
    else:
        import pyarrow.parquet as pq

        started_at = perf_counter()
        pq.read_table(table, columns=["x"], use_threads=False)["x"].to_numpy()
    return perf_counter() - started_at


serve(answer)
