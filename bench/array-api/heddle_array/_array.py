"""The array object of the standard. Elements are read from the other process only when Python wants to see one."""

import builtins
import math

import numpy as np

from . import _bridge, _dtypes
from ._dtypes import by_short


def _index(key):
    """An index of Python as those of `get`."""
    if isinstance(key, slice):
        part = {name: None if value is None else value.__index__() for name, value in (("start", key.start), ("stop", key.stop), ("step", key.step))}
        return part
    if key is Ellipsis:
        return "..."
    if isinstance(key, Array):
        return key
    if isinstance(key, builtins.bool):
        raise IndexError("masks of Python are not supported: use an array of bool")
    if key is None:
        return None
    return key.__index__()


def _indices(key):
    keys = key if isinstance(key, tuple) else (key,)
    return [{"null": True} if each is None else _index(each) for each in keys]


def _encoded(indices):
    # `None` means a new axis here, and nothing there.
    return [None if each == {"null": True} and not isinstance(each, Array) else _bridge.encode(each) for each in indices]


class Array:
    def __init__(self, *_):
        raise TypeError("Arrays are made by asarray and its like")

    @classmethod
    def _known(cls, number, dtype, shape):
        self = object.__new__(cls)
        self._number, self._dtype, self._shape, self._cache = number, by_short[dtype], shape, None
        return self

    def __del__(self):
        _bridge.forget(self._number)

    def _become(self, other):
        """The array of a statement such as `x += 1` or `x[0] = 1`: the elements are others, the object stays."""
        self._number, other._number = other._number, self._number
        self._dtype, self._shape, self._cache = other._dtype, other._shape, None
        return self

    def _numpy(self):
        if self._cache is None:
            short = self._dtype.short
            kind = "?" if short == "bool" else f"{short[0]}{int(short[1:]) // 8}"
            self._cache = np.frombuffer(_bridge.read(self), dtype=kind).reshape(self._shape)
        return self._cache

    dtype = property(lambda self: self._dtype)
    shape = property(lambda self: self._shape)
    ndim = property(lambda self: len(self._shape))
    size = property(lambda self: math.prod(self._shape))
    device = property(lambda self: "cpu")

    @property
    def T(self):
        if self.ndim != 2:
            raise ValueError("T is that of arrays of two axes; use permute_dims")
        return _bridge.method(self, "T")

    @property
    def mT(self):
        if self.ndim < 2:
            raise ValueError("mT needs two axes")
        return _bridge.call("swapaxes", self, -1, -2)

    def to_device(self, device, /, *, stream=None):
        if device != "cpu":
            raise ValueError(f"unknown device {device}")
        return self

    def __array_namespace__(self, *, api_version=None):
        import heddle_array

        if api_version not in (None, "2021.12", "2022.12", "2023.12", "2024.12", "2025.12"):
            raise ValueError(f"unknown version {api_version}")
        return heddle_array

    def __dlpack__(self, *, stream=None, max_version=None, dl_device=None, copy=None):
        return self._numpy().copy().__dlpack__()

    def __dlpack_device__(self):
        return (1, 0)

    def __repr__(self):
        return f"heddle_array.Array({self._numpy().tolist()}, dtype={self._dtype.name})"

    def _single(self):
        if self._shape != ():
            raise TypeError("only arrays of shape () can become scalars")
        return self._numpy()[()]

    def __bool__(self):
        return builtins.bool(self._single())

    def __float__(self):
        return float(self._single())

    def __int__(self):
        return int(self._single())

    def __complex__(self):
        return complex(float(self._single()))

    def __index__(self):
        if not _dtypes.integral(self._dtype):
            raise TypeError("only whole numbers can be an index")
        return int(self._single())

    def __len__(self):
        if self._shape == ():
            raise TypeError("an array of shape () has no length")
        return self._shape[0]

    def __getitem__(self, key):
        try:
            indices = _encoded(_indices(key))
            return _bridge.decode(_bridge.ask(method="get", args=[_bridge.encode(self), *indices]))
        except ValueError as error:
            raise IndexError(str(error)) from None

    def __setitem__(self, key, value):
        if isinstance(value, Array) and value.dtype != self._dtype:
            value = _bridge.method(value, "astype", self._dtype.short)
        if self._dtype.kind == "floating" and isinstance(value, int):
            value = float(value)
        indices = _encoded(_indices(key))
        try:
            self._become(_bridge.decode(_bridge.ask(method="set", args=[_bridge.encode(self), indices, _bridge.encode(value)])))
        except ValueError as error:
            if "ndex" in str(error):
                raise IndexError(str(error)) from None
            raise

    def __hash__(self):
        raise TypeError("arrays can change, and have no hash")


def scalar(array, value):
    """A number beside an array: of the same kind, or of one below it."""
    if isinstance(value, Array):
        return value
    if not isinstance(value, (builtins.bool, int, float)):
        return NotImplemented
    kind = array.dtype.kind
    if isinstance(value, builtins.bool):
        if kind != "bool":
            raise TypeError("True and False go with arrays of bool only")
        return value
    if isinstance(value, float) and kind != "floating":
        raise TypeError("floats go with arrays of floats only")
    if kind == "bool":
        raise TypeError("numbers do not go with arrays of bool")
    if isinstance(value, int) and kind != "floating":
        low, high = (0, 2**array.dtype.bits - 1) if kind == "unsigned" else (-(2 ** (array.dtype.bits - 1)), 2 ** (array.dtype.bits - 1) - 1)
        if not low <= value <= high:
            raise OverflowError(f"{value} is not an element of {array.dtype}")
    return value


def _allowed(name, dtype):
    if name in ("add", "subtract", "multiply", "floorDivide", "remainder", "power"):
        return dtype.kind != "bool"
    if name == "divide":
        return dtype.kind == "floating"
    if name in ("bitwiseAnd", "bitwiseOr", "bitwiseXor"):
        return dtype.kind != "floating"
    if name in ("leftShift", "rightShift"):
        return _dtypes.integral(dtype)
    return True


def _binary(name, swapped=False):
    def operator(self, other):
        value = scalar(self, other)
        if value is NotImplemented:
            return value
        if not _allowed(name, self.dtype) or (isinstance(value, Array) and not _allowed(name, value.dtype)):
            raise TypeError(f"{name} is not defined for {self.dtype}")
        return _bridge.call(name, *((value, self) if swapped else (self, value)))

    return operator


def _in_place(name):
    operator = _binary(name)

    def assigned(self, other):
        result = operator(self, other)
        if result is NotImplemented:
            return result
        if result.shape != self.shape or result.dtype != self.dtype:
            raise ValueError(f"the result of shape {result.shape} and {result.dtype} does not fit in place")
        return self._become(result)

    return assigned


_operators = {
    "add": "add",
    "sub": "subtract",
    "mul": "multiply",
    "truediv": "divide",
    "floordiv": "floorDivide",
    "mod": "remainder",
    "pow": "power",
    "matmul": "matmul",
    "and": "bitwiseAnd",
    "or": "bitwiseOr",
    "xor": "bitwiseXor",
    "lshift": "leftShift",
    "rshift": "rightShift",
}
for _short, _name in _operators.items():
    setattr(Array, f"__{_short}__", _binary(_name))
    setattr(Array, f"__r{_short}__", _binary(_name, swapped=True))
    setattr(Array, f"__i{_short}__", _in_place(_name))
for _short, _name in {"eq": "equal", "ne": "notEqual", "lt": "less", "le": "lessEqual", "gt": "greater", "ge": "greaterEqual"}.items():
    setattr(Array, f"__{_short}__", _binary(_name))
Array.__abs__ = lambda self: _bridge.call("abs", self)
Array.__neg__ = lambda self: _bridge.call("negative", self)
Array.__pos__ = lambda self: self
Array.__invert__ = lambda self: _bridge.call("invert", self)


def _matmul(self, other):
    from . import matmul

    return matmul(self, other) if isinstance(other, Array) else NotImplemented


Array.__matmul__ = _matmul
Array.__rmatmul__ = lambda self, other: _matmul(other, self) if isinstance(other, Array) else NotImplemented
Array.__imatmul__ = lambda self, other: self._become(_matmul(self, other))
