"""Speaks to a Node process that holds the arrays; see server.mjs."""

import atexit
import base64
import json
import math
import subprocess
from pathlib import Path

_server = Path(__file__).parent.parent / "server.mjs"
_process = None
_free = []


def _start():
    global _process
    _process = subprocess.Popen(["node", str(_server)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=_server.parent)
    atexit.register(_process.stdin.close)


def ask(**request):
    """Sends one request and gives the value of its answer, decoded."""
    if _process is None:
        _start()
    if _free:
        request["free"] = _free[:]
        _free.clear()
    _process.stdin.write(json.dumps(request) + "\n")
    _process.stdin.flush()
    line = _process.stdout.readline()
    if not line:
        raise RuntimeError("the Node process ended")
    reply = json.loads(line)
    if "error" in reply:
        raise (ValueError if reply.get("type") != "TypeError" else RuntimeError)(reply["error"])
    return reply["value"]


def forget(number):
    """The array is not needed any more; said together with the next request."""
    _free.append(number)


def encode(value):
    """A value of Python as JSON that the other side can read."""
    from ._array import Array

    if isinstance(value, Array):
        return {"array": value._number}
    if value is None:
        return {"absent": True}
    if isinstance(value, bool) or isinstance(value, str):
        return value
    if isinstance(value, int):
        return value if abs(value) < 2**53 else {"big": str(value)}
    if isinstance(value, float):
        if math.isfinite(value):
            return value if not (value == 0 and math.copysign(1, value) < 0) else {"float": "-0"}
        return {"float": "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"}
    if isinstance(value, (list, tuple)):
        return [encode(each) for each in value]
    if isinstance(value, dict):
        return {"record": {name: encode(field) for name, field in value.items() if field is not None}}
    if hasattr(value, "__index__"):
        return encode(value.__index__())
    raise TypeError(f"{type(value)} cannot be an argument")


def decode(value):
    """A value of the answer as one of Python."""
    from ._array import Array

    if isinstance(value, list):
        return [decode(each) for each in value]
    if not isinstance(value, dict):
        return value
    if "array" in value:
        return Array._known(value["array"], value["dtype"], tuple(value["shape"]))
    if "big" in value:
        return int(value["big"])
    if "float" in value:
        return float(value["float"].replace("Infinity", "inf"))
    return {name: decode(field) for name, field in value["record"].items()}


def call(name, *args):
    """A function of heddle/array."""
    return decode(ask(call=name, args=[encode(each) for each in args]))


def method(array, name, *args):
    """A method, or a property, of an array."""
    return decode(ask(method=name, args=[encode(each) for each in (array, *args)]))


def make(dtype, shape, data):
    """An array from its bytes."""
    return decode(ask(**{"from": dtype, "shape": list(shape), "data": base64.b64encode(data).decode()}))


def read(array):
    """The bytes of an array, in C order."""
    return base64.b64decode(ask(read=array._number)["data"])
