"""The programs of whole-jobs in Python: each answers with the milliseconds it took, and with what it found."""

import json
import os
from collections import Counter
from functools import cache
from operator import add
from time import perf_counter

WORKERS = 2


def paths_of(folder):
    return [os.path.join(folder, name) for name in sorted(os.listdir(folder))]


def words_of(path):
    with open(path, encoding="utf-8") as file:
        return file.read().split()


def count_words(path):
    return Counter(words_of(path))


def chunks(values, size):
    return [values[i : i + size] for i in range(0, len(values), size)]


def merged(counters):
    total = Counter()
    for counter in counters:
        total.update(counter)
    return total


def count_chunk(paths):
    return merged(map(count_words, paths))


@cache
def pool():
    from multiprocessing import Pool

    return Pool(WORKERS)


@cache
def spark():
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.master(f"local[{WORKERS}]").config("spark.ui.enabled", "false")
    session = builder.config("spark.ui.showConsoleProgress", "false").config("spark.log.level", "ERROR").getOrCreate()
    return session.sparkContext


@cache
def ray_count():
    import ray

    ray.init(num_cpus=WORKERS, include_dashboard=False, log_to_driver=False, logging_level="error")
    return ray, ray.remote(count_chunk)


def words_multiprocessing(folder):
    return merged(pool().imap_unordered(count_words, paths_of(folder), chunksize=50))


def words_joblib(folder):
    from joblib import Parallel, delayed

    parallel = Parallel(n_jobs=WORKERS, batch_size=50, return_as="generator_unordered")
    return merged(parallel(delayed(count_words)(path) for path in paths_of(folder)))


def words_ray(folder):
    ray, count = ray_count()
    return merged(ray.get([count.remote(part) for part in chunks(paths_of(folder), 50)]))


def words_dask(folder):
    import dask.bag

    bag = dask.bag.from_sequence(paths_of(folder), partition_size=50).map(words_of).flatten().frequencies()
    return dict(bag.compute(scheduler="processes", num_workers=WORKERS))


def words_spark(folder):
    # Not textFile: that makes a task of each file.
    files = spark().wholeTextFiles(folder, WORKERS * 4)
    return files.flatMap(lambda file: file[1].split()).map(lambda word: (word, 1)).reduceByKey(add).collectAsMap()


def words(peer, folder):
    ways = {
        "multiprocessing": words_multiprocessing,
        "joblib": words_joblib,
        "Ray": words_ray,
        "Dask bag": words_dask,
        "PySpark": words_spark,
    }
    counts = ways[peer](folder)
    return [len(counts), sum(counts.values())]


def group_range(job):
    """Orders and amount by customer and country, of the lines that begin in a range of bytes."""
    path, start, end = job
    groups = {}
    with open(path, "rb") as file:
        if start > 0:
            file.seek(start - 1)
            file.readline()
        while file.tell() < end:
            order = json.loads(file.readline())
            amount = sum(item["price"] * item["count"] for item in order["items"])
            key = (order["country"], order["customer"])
            orders, before = groups.get(key, (0, 0.0))
            groups[key] = (orders + 1, before + amount)
    return groups


def orders_multiprocessing(path):
    size = os.path.getsize(path)
    step = 4 << 20
    groups = {}
    for part in pool().imap_unordered(group_range, [(path, start, min(size, start + step)) for start in range(0, size, step)]):
        for key, (orders, amount) in part.items():
            before = groups.get(key, (0, 0.0))
            groups[key] = (before[0] + orders, before[1] + amount)
    return [len(groups), sum(orders for orders, _ in groups.values())]


def orders_duckdb(path):
    rows = duck().execute(
        "select country, customer, count(*), sum(list_sum(list_transform(items, lambda item: item.price * item.count)))"
        f" from read_json('{path}', format = 'newline_delimited') group by all"
    ).fetchall()
    return [len(rows), sum(row[2] for row in rows)]


def orders_polars(path):
    import polars

    amount = polars.col("items").list.eval(polars.element().struct.field("price") * polars.element().struct.field("count")).list.sum()
    lines = polars.scan_ndjson(path).select("country", "customer", amount=amount)
    rows = lines.group_by("country", "customer").agg(polars.len().alias("orders"), polars.col("amount").sum()).collect()
    return [rows.height, int(rows["orders"].sum())]


@cache
def duck():
    import duckdb

    return duckdb.connect(config={"threads": WORKERS})


def orders(peer, path):
    return {"multiprocessing": orders_multiprocessing, "DuckDB": orders_duckdb, "Polars": orders_polars}[peer](path)


def by_key_duckdb(pairs, keys):
    query = f"select ((i * 2654435761) & 4294967295) % {keys} as key, sum(i % 100) as total from range({pairs}) numbers(i) group by key"
    columns = duck().execute(query).fetchnumpy()
    return [len(columns["key"]), int(columns["total"].sum())]


def by_key_polars(pairs, keys):
    import polars

    i = polars.int_range(0, pairs, dtype=polars.UInt64, eager=False)
    frame = polars.select(i.alias("i")).lazy()
    key = ((polars.col("i") * 2654435761) % 4294967296 % keys).alias("key")
    sums = frame.select(key, (polars.col("i") % 100).alias("value")).group_by("key").agg(polars.col("value").sum()).collect()
    return [sums.height, int(sums["value"].sum())]


def by_key(peer, pairs, keys):
    return {"DuckDB": by_key_duckdb, "Polars": by_key_polars}[peer](pairs, keys)


JOBS = {"words": words, "orders": orders, "by-key": by_key}


def answer(peer, job, **arguments):
    started_at = perf_counter()
    try:
        found = JOBS[job](peer, **arguments)
    except ImportError as error:
        return {"absent": f"{error.name} is not installed: node bench/peers.mjs"}
    return {"ms": (perf_counter() - started_at) * 1e3, "answer": found}


if __name__ == "__main__":
    os.environ["POLARS_MAX_THREADS"] = str(WORKERS)
    from harness.serve import serve

    serve(answer)
