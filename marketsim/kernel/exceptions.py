"""What compiled code raised: Numba leaves a pickled record of the exception, which Python can read afterwards."""

from __future__ import annotations

import ctypes
import pickle
from pathlib import Path


class _Record(ctypes.Structure):
    """Numba's ``excinfo_t`` (numba.core.callconv)."""

    _fields_ = (
        ("pickled", ctypes.c_void_p),
        ("n_bytes", ctypes.c_int32),
        ("hash_or_values", ctypes.c_void_p),
        ("unwrap", ctypes.c_void_p),
        ("n_values", ctypes.c_int32),
    )


def raised_exception(address: int) -> str:
    """Describe the exception whose record lies at an address: its name, its text and where it was raised; "" where there is no record.

    Text that was put together while the code ran is not in the record and is left out.
    """
    if address == 0:
        return ""
    record = _Record.from_address(address)
    # The bytes are a constant of the machine code that was compiled in this process, or in an earlier one of the same user.
    kind, arguments, place = pickle.loads(ctypes.string_at(record.pickled, record.n_bytes))  # noqa: S301
    words = ", ".join(str(argument) for argument in arguments) if record.n_values == 0 else ""
    text = f"{kind.__name__}: {words}" if words else kind.__name__
    return text if place is None else f"{text} ({Path(place[1]).name}, line {place[2]}, in {place[0]})"
