"""The namespace of the Python array API standard (2025.12) over heddle/array, for the standard's own test suite. Complex dtypes, and the functions that give them, are left out."""

import builtins
import math

import numpy as _np

from . import _bridge
from ._array import Array
from ._array import scalar as _scalar
from ._bridge import call as _call
from ._bridge import method as _method
from ._dtypes import (  # noqa: F401
    all_dtypes as _all_dtypes,
    bool,
    by_short as _by_short,
    float32,
    float64,
    int8,
    int16,
    int32,
    int64,
    integral as _integral,
    uint8,
    uint16,
    uint32,
    uint64,
)

__array_api_version__ = "2025.12"
e, inf, nan, newaxis, pi = math.e, math.inf, math.nan, None, math.pi


def _numpy_dtype(dtype):
    return "?" if dtype.kind == "bool" else f"{dtype.short[0]}{dtype.bits // 8}"


def _check_device(device):
    if device not in (None, "cpu"):
        raise ValueError(f"unknown device {device}")


def _shape(shape):
    return [shape] if isinstance(shape, int) else list(shape)


def _as(x, dtype):
    return x if x.dtype == dtype else _method(x, "astype", dtype.short)


# Creation -------------------------------------------------------------------------------------------------------------


def asarray(obj, /, *, dtype=None, device=None, copy=None):
    _check_device(device)
    if isinstance(obj, Array):
        if copy is False and dtype not in (None, obj.dtype):
            raise ValueError("another dtype needs a copy")
        made = obj if dtype is None else astype(obj, dtype)
        return _method(made, "reshape", list(made.shape)) if made is obj and copy else made
    if copy is False:
        raise ValueError("a list is always copied")

    def plain(value):
        if isinstance(value, (list, tuple)):
            return [plain(each) for each in value]
        return value._numpy()[()] if isinstance(value, Array) else value

    values = plain(obj)
    found = _np.asarray(values) if dtype is None else _np.asarray(values, dtype=_numpy_dtype(dtype))
    if dtype is None:
        kind = {"b": bool, "i": int64, "u": int64, "f": float64}.get(found.dtype.kind)
        if isinstance(obj, _np.ndarray) or isinstance(obj, _np.generic):
            kind = next(each for each in _all_dtypes if each.name == found.dtype.name)
        if kind is None:
            raise TypeError(f"elements of {found.dtype} cannot be held")
        dtype = kind
        found = found.astype(_numpy_dtype(dtype))
    return _bridge.make(dtype.short, found.shape, _np.ascontiguousarray(found).tobytes())


def from_dlpack(x, /, *, device=None, copy=None):
    _check_device(device)
    return asarray(_np.from_dlpack(x))


def arange(start, /, stop=None, step=1, *, dtype=None, device=None):
    _check_device(device)
    if stop is None:
        start, stop = 0, start
    whole = builtins.all(isinstance(each, int) for each in (start, stop, step))
    dtype = dtype or (int64 if whole else float64)
    if not whole:
        return _as(_call("arange", float(start), float(stop), float(step)), dtype)
    length = builtins.max(0, -(-(stop - start) // step))
    # In 64 bits whole numbers are exact.
    count = _method(_call("arange", length), "astype", "i64")
    return _as(_method(_method(count, "multiply", step), "add", start), dtype)


def full(shape, fill_value, *, dtype=None, device=None):
    _check_device(device)
    if dtype is None:
        dtype = bool if isinstance(fill_value, builtins.bool) else int64 if isinstance(fill_value, int) else float64
    return _call("full", _shape(shape), fill_value, {"dtype": dtype.short})


def zeros(shape, *, dtype=None, device=None):
    _check_device(device)
    return _call("zeros", _shape(shape), {"dtype": (dtype or float64).short})


def ones(shape, *, dtype=None, device=None):
    _check_device(device)
    return _call("ones", _shape(shape), {"dtype": (dtype or float64).short})


def empty(shape, *, dtype=None, device=None):
    return zeros(shape, dtype=dtype, device=device)


def _like(name, x, dtype, device, *value):
    _check_device(device)
    return _call(name, x, *value, {"dtype": (dtype or x.dtype).short})


def zeros_like(x, /, *, dtype=None, device=None):
    return _like("zerosLike", x, dtype, device)


def ones_like(x, /, *, dtype=None, device=None):
    return _like("onesLike", x, dtype, device)


def empty_like(x, /, *, dtype=None, device=None):
    return _like("zerosLike", x, dtype, device)


def full_like(x, /, fill_value, *, dtype=None, device=None):
    return _like("fullLike", x, dtype, device, fill_value)


def eye(n_rows, n_cols=None, /, *, k=0, dtype=None, device=None):
    _check_device(device)
    return _call("eye", n_rows, n_rows if n_cols is None else n_cols, {"k": k, "dtype": (dtype or float64).short})


def linspace(start, stop, /, num, *, dtype=None, device=None, endpoint=True):
    _check_device(device)
    return _as(_call("linspace", float(start), float(stop), num, {"endpoint": endpoint}), dtype or float64)


def meshgrid(*arrays, indexing="xy"):
    return tuple(_call("meshgrid", list(arrays), {"indexing": indexing}))


def tril(x, /, *, k=0):
    return _call("tril", x, k)


def triu(x, /, *, k=0):
    return _call("triu", x, k)


# Data types -----------------------------------------------------------------------------------------------------------


def astype(x, dtype, /, *, copy=True, device=None):
    _check_device(device)
    return x if x.dtype == dtype and not copy else _method(x, "astype", dtype.short)


def can_cast(from_, to, /):
    return _call("canCast", from_ if isinstance(from_, Array) else from_.short, to.short)


class _Info:
    def __init__(self, **fields):
        self.__dict__.update(fields)


def finfo(type, /):
    found = _call("finfo", type.dtype.short if isinstance(type, Array) else type.short)
    dtype = type.dtype if isinstance(type, Array) else type
    fields = {name: float(found[name]) for name in ("eps", "min", "max")}
    return _Info(bits=found["bits"], smallest_normal=float(found["smallestNormal"]), dtype=dtype, **fields)


def iinfo(type, /):
    dtype = type.dtype if isinstance(type, Array) else type
    found = _call("iinfo", dtype.short)
    return _Info(bits=found["bits"], min=int(found["min"]), max=int(found["max"]), dtype=dtype)


def isdtype(dtype, kind):
    def name(each):
        return each if isinstance(each, str) else each.short

    kinds = list(kind) if isinstance(kind, tuple) else [kind]
    return _call("isdtype", dtype.short, [name(each) for each in kinds])


def result_type(*arrays_and_dtypes):
    operands = [each.short if hasattr(each, "short") else each for each in arrays_and_dtypes]
    return _by_short[_call("resultType", *operands)]


# Elementwise ----------------------------------------------------------------------------------------------------------


def _one(name):
    def function(x, /):
        return _call(name, x)

    return function


def _two(name, whole=False):
    def function(x1, x2, /):
        if not isinstance(x1, Array) and not isinstance(x2, Array):
            raise TypeError("one of both must be an array")
        first = x1 if isinstance(x1, Array) else _scalar(x2, x1)
        second = x2 if isinstance(x2, Array) else _scalar(x1, x2)
        return _call(name, first, second)

    return function


_ones = {
    "abs": "abs", "acos": "arccos", "acosh": "arccosh", "asin": "arcsin", "asinh": "arcsinh", "atan": "arctan", "atanh": "arctanh",
    "bitwise_invert": "invert", "ceil": "ceil", "cos": "cos", "cosh": "cosh", "exp": "exp", "expm1": "expm1", "floor": "floor",
    "isfinite": "isfinite", "isinf": "isinf", "isnan": "isnan", "log": "log", "log1p": "log1p", "log2": "log2", "log10": "log10",
    "logical_not": "logicalNot", "negative": "negative", "reciprocal": "reciprocal", "round": "rint", "sign": "sign",
    "signbit": "signbit", "sin": "sin", "sinh": "sinh", "sqrt": "sqrt", "square": "square", "tan": "tan", "tanh": "tanh", "trunc": "trunc",
}  # fmt: skip
_twos = {
    "add": "add", "atan2": "arctan2", "bitwise_and": "bitwiseAnd", "bitwise_left_shift": "leftShift", "bitwise_or": "bitwiseOr",
    "bitwise_right_shift": "rightShift", "bitwise_xor": "bitwiseXor", "copysign": "copysign", "divide": "divide", "equal": "equal",
    "floor_divide": "floorDivide", "greater": "greater", "greater_equal": "greaterEqual", "hypot": "hypot", "less": "less",
    "less_equal": "lessEqual", "logaddexp": "logaddexp", "logical_and": "logicalAnd", "logical_or": "logicalOr",
    "logical_xor": "logicalXor", "maximum": "maximum", "minimum": "minimum", "multiply": "multiply", "nextafter": "nextafter",
    "not_equal": "notEqual", "pow": "power", "remainder": "remainder", "subtract": "subtract",
}  # fmt: skip
for _name, _there in _ones.items():
    globals()[_name] = _one(_there)
for _name, _there in _twos.items():
    globals()[_name] = _two(_there)


def positive(x, /):
    return x


def conj(x, /):
    """Of real numbers nothing changes, and there are no others."""
    return x


def real(x, /):
    return x


def imag(x, /):
    return zeros_like(x)


def clip(x, /, min=None, max=None):
    bounds = [each if each is None or isinstance(each, Array) else _scalar(x, each) for each in (min, max)]
    found = _call("clip", x, *bounds)
    return _as(found, x.dtype)


def where(condition, x1, x2, /):
    if not isinstance(x1, Array) and isinstance(x2, Array):
        x1 = _scalar(x2, x1)
    if not isinstance(x2, Array) and isinstance(x1, Array):
        x2 = _scalar(x1, x2)
    return _call("where", condition, x1, x2)


# Statistics -----------------------------------------------------------------------------------------------------------


def _axes(axis, keepdims=False):
    return {"axis": list(axis) if isinstance(axis, tuple) else axis, "keepdims": keepdims or None}


def _reduced(name, x, axis, keepdims, **more):
    if axis == ():
        raise ValueError("an empty tuple of axes reduces nothing")
    return _method(x, name, {**_axes(axis, keepdims), **more})


def _total_dtype(x, dtype):
    if dtype is not None:
        return dtype
    return {"signed": int64, "unsigned": uint64, "bool": int64}.get(x.dtype.kind, x.dtype)


def sum(x, /, *, axis=None, dtype=None, keepdims=False):
    return _reduced("sum", x, axis, keepdims, dtype=_total_dtype(x, dtype).short)


def prod(x, /, *, axis=None, dtype=None, keepdims=False):
    return _reduced("prod", x, axis, keepdims, dtype=_total_dtype(x, dtype).short)


def max(x, /, *, axis=None, keepdims=False):
    return _reduced("max", x, axis, keepdims)


def min(x, /, *, axis=None, keepdims=False):
    return _reduced("min", x, axis, keepdims)


def mean(x, /, *, axis=None, keepdims=False):
    return _reduced("mean", x, axis, keepdims)


def std(x, /, *, axis=None, correction=0.0, keepdims=False):
    return _reduced("std", x, axis, keepdims, ddof=correction)


def var(x, /, *, axis=None, correction=0.0, keepdims=False):
    return _reduced("var", x, axis, keepdims, ddof=correction)


def all(x, /, *, axis=None, keepdims=False):
    return _reduced("all", x, axis, keepdims)


def any(x, /, *, axis=None, keepdims=False):
    return _reduced("any", x, axis, keepdims)


def _running(name, x, axis, dtype, include_initial):
    if axis is None and x.ndim != 1:
        raise ValueError("an array of several axes needs `axis`")
    options = {"axis": 0 if axis is None else axis, "dtype": _total_dtype(x, dtype).short, "includeInitial": include_initial}
    return _call(name, x, options)


def cumulative_sum(x, /, *, axis=None, dtype=None, include_initial=False):
    return _running("cumsum", x, axis, dtype, include_initial)


def cumulative_prod(x, /, *, axis=None, dtype=None, include_initial=False):
    return _running("cumprod", x, axis, dtype, include_initial)


def diff(x, /, *, axis=-1, n=1, prepend=None, append=None):
    return _call("diff", x, {"axis": axis, "n": n, "prepend": prepend, "append": append})


# Searching and sorting ------------------------------------------------------------------------------------------------


def argmax(x, /, *, axis=None, keepdims=False):
    return _as(_reduced("argmax", x, axis, keepdims), int64)


def argmin(x, /, *, axis=None, keepdims=False):
    return _as(_reduced("argmin", x, axis, keepdims), int64)


def count_nonzero(x, /, *, axis=None, keepdims=False):
    return _as(_reduced("count", x, axis, keepdims), int64)


def nonzero(x, /):
    return tuple(_as(each, int64) for each in _call("nonzero", x))


def searchsorted(x1, x2, /, *, side="left", sorter=None):
    values = x2 if isinstance(x2, Array) else asarray(x2, dtype=x1.dtype)
    return _as(_call("searchsorted", x1, values, {"side": side, "sorter": sorter}), int64)


def argsort(x, /, *, axis=-1, descending=False, stable=True):
    return _as(_call("argsort", x, {"axis": axis, "descending": descending}), int64)


def sort(x, /, *, axis=-1, descending=False, stable=True):
    return _call("sort", x, {"axis": axis, "descending": descending})


class _Named(tuple):
    """A tuple whose elements have names."""

    def __new__(cls, **fields):
        self = tuple.__new__(cls, fields.values())
        self.__dict__.update(fields)
        return self


def _distinct(x):
    return _call("uniqueAll", x, {"equalNaN": False})


def unique_all(x, /):
    found = _distinct(x)
    return _Named(
        values=found["values"],
        indices=_as(found["indices"], int64),
        inverse_indices=_as(found["inverse"], int64),
        counts=_as(found["counts"], int64),
    )


def unique_counts(x, /):
    found = _distinct(x)
    return _Named(values=found["values"], counts=_as(found["counts"], int64))


def unique_inverse(x, /):
    found = _distinct(x)
    return _Named(values=found["values"], inverse_indices=_as(found["inverse"], int64))


def unique_values(x, /):
    return _call("unique", x, {"equalNaN": False})


def isin(x1, x2, /, *, invert=False):
    if not isinstance(x1, Array):
        x1 = asarray(x1, dtype=x2.dtype)
    if not isinstance(x2, Array):
        x2 = asarray(x2, dtype=x1.dtype)
    return _call("isin", x1, x2, {"invert": invert})


def take(x, indices, /, *, axis=None):
    return _call("take", x, indices, {"axis": axis})


def take_along_axis(x, indices, /, *, axis=-1):
    return _call("takeAlongAxis", x, indices, {"axis": axis})


# Manipulation ---------------------------------------------------------------------------------------------------------


def broadcast_arrays(*arrays):
    return tuple(_call("broadcastArrays", *arrays))


def broadcast_to(x, /, shape):
    return _call("broadcastTo", x, list(shape))


def broadcast_shapes(*shapes):
    arrays = _call("broadcastArrays", *[zeros(shape) for shape in shapes]) if shapes else []
    return arrays[0].shape if arrays else ()


def concat(arrays, /, *, axis=0):
    parts = list(arrays)
    if axis is None:
        parts, axis = [reshape(each, (-1,)) for each in parts], 0
    return _call("concat", parts, axis)


def stack(arrays, /, *, axis=0):
    return _call("stack", list(arrays), axis)


def expand_dims(x, /, axis=0):
    return _call("expandDims", x, list(axis) if isinstance(axis, tuple) else axis)


def squeeze(x, /, axis=None):
    return _call("squeeze", x, list(axis) if isinstance(axis, tuple) else axis)


def flip(x, /, *, axis=None):
    return _call("flip", x, list(axis) if isinstance(axis, tuple) else axis)


def moveaxis(x, source, destination, /):
    def plain(axis):
        return list(axis) if isinstance(axis, tuple) else axis

    return _call("moveaxis", x, plain(source), plain(destination))


def permute_dims(x, /, axes):
    return _method(x, "transpose", list(axes)) if x.ndim > 0 else x


def matrix_transpose(x, /):
    return x.mT


def repeat(x, repeats, /, *, axis=None):
    counts = repeats._numpy().tolist() if isinstance(repeats, Array) else repeats
    return _call("repeat", x, counts, {"axis": axis})


def reshape(x, /, shape, *, copy=None):
    return _method(x, "reshape", _shape(shape))


def roll(x, /, shift, *, axis=None):
    return _call("roll", x, list(shift) if isinstance(shift, tuple) else shift, {"axis": list(axis) if isinstance(axis, tuple) else axis})


def tile(x, repetitions, /):
    return _call("tile", x, list(repetitions))


def unstack(x, /, *, axis=0):
    return tuple(_call("unstack", x, axis))


# Linear algebra -------------------------------------------------------------------------------------------------------


def _product_dtype(*arrays):
    return result_type(*arrays)


def matmul(x1, x2, /):
    dtype = _product_dtype(x1, x2)
    # Whole numbers below 64 bits would give f64.
    wide = [_as(x, int64 if dtype.kind == "signed" else uint64) if _integral(dtype) else x for x in (x1, x2)]
    return _as(_call("matmul", *wide), dtype)


def tensordot(x1, x2, /, *, axes=2):
    dtype = _product_dtype(x1, x2)
    wide = [_as(x, int64 if dtype.kind == "signed" else uint64) if _integral(dtype) else x for x in (x1, x2)]
    given = axes if isinstance(axes, int) else [list(each) for each in axes]
    return _as(_call("tensordot", *wide, given), dtype)


def vecdot(x1, x2, /, *, axis=-1):
    dtype = _product_dtype(x1, x2)
    wide = [_as(x, int64 if dtype.kind == "signed" else uint64) if _integral(dtype) else x for x in (x1, x2)]
    return _as(_call("vecdot", *wide, {"axis": axis}), dtype)


# Inspection -----------------------------------------------------------------------------------------------------------


class _NamespaceInfo:
    def capabilities(self):
        return {"boolean indexing": True, "data-dependent shapes": True, "max dimensions": 64}

    def default_device(self):
        return "cpu"

    def default_dtypes(self, *, device=None):
        return {"real floating": float64, "integral": int64, "indexing": int64}

    def devices(self):
        return ("cpu",)

    def dtypes(self, *, device=None, kind=None):
        chosen = (each for each in _all_dtypes if kind is None or isdtype(each, kind))
        return {each.name: each for each in chosen}


def __array_namespace_info__():
    return _NamespaceInfo()


from . import fft, linalg  # noqa: E402, F401
