"""
A plugin of pytest: skips what skips.txt names, with its reason, and lets the suite run against a library without complex dtypes. The suite skips dtypes that a library does
not have, but while it is imported it looks for the widest complex one, of which there is no maximum.
"""

import builtins
from pathlib import Path
from unittest.mock import patch

import heddle_array
import pytest

_max = builtins.max


def _max_or_float(*values, **options):
    if len(values) == 1 and isinstance(values[0], list) and not values[0]:
        return (heddle_array.float64, 0)
    return _max(*values, **options)


with patch.object(builtins, "max", _max_or_float):
    import array_api_tests.dtype_helpers  # noqa: F401


def _skips():
    """Parts of names of tests (whole ends where they close with $), each with the comment above it as the reason."""
    reason = ""
    for line in (Path(__file__).parent / "skips.txt").read_text().splitlines():
        if line.startswith("#"):
            reason = line[2:]
        elif line.strip():
            yield line.strip(), reason


def pytest_collection_modifyitems(items):
    for item in items:
        name = item.nodeid
        for part, reason in _skips():
            if name.endswith(part[:-1]) if part.endswith("$") else part in name:
                item.add_marker(pytest.mark.skip(reason=reason))
                break
