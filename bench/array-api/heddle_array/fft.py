"""Of the extension of Fourier transforms what needs no complex numbers."""

from . import _as, float64
from ._bridge import call as _call


def fftfreq(n, /, *, d=1.0, dtype=None, device=None):
    return _as(_call("fftfreq", n, {"d": d}), dtype or float64)


def rfftfreq(n, /, *, d=1.0, dtype=None, device=None):
    return _as(_call("rfftfreq", n, {"d": d}), dtype or float64)


def _axes(axes):
    return list(axes) if isinstance(axes, tuple) else axes


def fftshift(x, /, *, axes=None):
    return _call("fftshift", x, _axes(axes))


def ifftshift(x, /, *, axes=None):
    return _call("ifftshift", x, _axes(axes))
