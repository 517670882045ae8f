"""The extension of linear algebra."""

from . import _Named, _as, _product_dtype, _total_dtype, int64, matmul, matrix_transpose, tensordot, vecdot  # noqa: F401
from ._bridge import call as _call


def cholesky(x, /, *, upper=False):
    return _call("cholesky", x, {"upper": upper})


def cross(x1, x2, /, *, axis=-1):
    return _call("cross", x1, x2, {"axis": axis})


def det(x, /):
    return _call("det", x)


def diagonal(x, /, *, offset=0):
    return _call("diagonal", x, {"offset": offset})


def eigh(x, /):
    found = _call("eigh", x)
    return _Named(eigenvalues=found["eigenvalues"], eigenvectors=found["eigenvectors"])


def eigvalsh(x, /):
    return _call("eigvalsh", x)


def inv(x, /):
    return _call("inv", x)


def matrix_norm(x, /, *, keepdims=False, ord="fro"):
    return _call("matrixNorm", x, {"keepdims": keepdims, "ord": ord})


def matrix_power(x, n, /):
    return _call("matrixPower", x, n)


def matrix_rank(x, /, *, rtol=None):
    return _as(_call("matrixRank", x, {"rtol": rtol}), int64)


def outer(x1, x2, /):
    return _call("outer", x1, x2)


def pinv(x, /, *, rtol=None):
    return _call("pinv", x, {"rtol": rtol})


def qr(x, /, *, mode="reduced"):
    found = _call("qr", x, {"mode": mode})
    return _Named(Q=found["q"], R=found["r"])


def slogdet(x, /):
    found = _call("slogdet", x)
    return _Named(sign=found["sign"], logabsdet=found["logabsdet"])


def solve(x1, x2, /):
    return _call("solve", x1, x2)


def svd(x, /, *, full_matrices=True):
    found = _call("svd", x, {"fullMatrices": full_matrices})
    return _Named(U=found["u"], S=found["s"], Vh=found["vh"])


def svdvals(x, /):
    return _call("svdvals", x)


def trace(x, /, *, offset=0, dtype=None):
    kept = _total_dtype(x, dtype)
    return _as(_call("trace", _as(x, kept), {"offset": offset}), kept)


def vector_norm(x, /, *, axis=None, keepdims=False, ord=2):
    return _call("vectorNorm", x, {"axis": list(axis) if isinstance(axis, tuple) else axis, "keepdims": keepdims, "ord": ord})
