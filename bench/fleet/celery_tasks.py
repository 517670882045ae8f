"""What the worker of Celery runs."""

import os

from celery import Celery

url = f"redis://127.0.0.1:{os.environ['CELERY_PORT']}/0"
app = Celery("bench", broker=url, backend=url)


@app.task
def double_all(numbers):
    return [n * 2 for n in numbers]
