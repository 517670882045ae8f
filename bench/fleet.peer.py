"""The jobs of fleet.bench.mjs on Celery, Dask distributed and Ray: one warm call, and many small items in chunks of 500. Two worker processes each."""

import os
import subprocess
import sys
from time import perf_counter, sleep

from harness.serve import serve

here = os.path.dirname(os.path.abspath(__file__))
kind = None
peer = None


def double_all(numbers):
    return [n * 2 for n in numbers]


class OnCelery:
    def __init__(self, port):
        sys.path.insert(0, os.path.join(here, "fleet"))
        os.environ["CELERY_PORT"] = str(port)
        import celery_tasks

        self.task = celery_tasks.double_all
        self.worker = subprocess.Popen(
            [sys.executable, "-m", "celery", "-A", "celery_tasks", "worker", "-c", "2", "-l", "ERROR"],
            cwd=os.path.join(here, "fleet"),
            stdout=sys.stderr,
        )
        self.task.delay([1]).get(timeout=60)

    def many(self, chunks):
        return [result.get() for result in [self.task.delay(chunk) for chunk in chunks]]

    def close(self):
        self.worker.kill()


class OnDask:
    def __init__(self, port):
        from distributed import Client, LocalCluster

        self.cluster = LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None)
        self.client = Client(self.cluster)

    def many(self, chunks):
        return self.client.gather(self.client.map(double_all, chunks, pure=False))

    def close(self):
        self.client.close()
        self.cluster.close()


class OnRay:
    def __init__(self, port):
        import ray

        ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
        self.ray = ray
        self.task = ray.remote(double_all)

    def many(self, chunks):
        return self.ray.get([self.task.remote(chunk) for chunk in chunks])

    def close(self):
        self.ray.shutdown()


def answer(open=None, port=None, count=None, calls=None, close=False):
    """Opens a peer; doubles so many numbers in chunks, in milliseconds; or gives the sorted times of single calls."""
    global peer
    if open is not None:
        peer = {"celery": OnCelery, "dask": OnDask, "ray": OnRay}[open](port)
        peer.many([[1]] * 4)
        return "open"
    if close:
        return peer.close()
    if count is not None:
        chunks = [list(range(at, min(count, at + 500))) for at in range(0, count, 500)]
        began = perf_counter()
        results = peer.many(chunks)
        took = perf_counter() - began
        assert sum(map(sum, results)) == count * (count - 1)
        return took * 1000
    times = []
    for _ in range(calls):
        began = perf_counter()
        peer.many([[1]])
        times.append((perf_counter() - began) * 1000)
        sleep(0.002)
    return sorted(times)


if __name__ == "__main__":
    serve(answer)
