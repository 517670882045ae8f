"""Answers the questions of a bench: one JSON object per line in, one out."""

import json
import sys
import traceback


def serve(answer):
    """Calls ``answer(**request)`` for each line of stdin and prints what it returns, until stdin ends."""
    for line in sys.stdin:
        try:
            reply = {"value": answer(**json.loads(line))}
        except Exception:
            reply = {"error": traceback.format_exc()}
        print(json.dumps(reply), flush=True)
