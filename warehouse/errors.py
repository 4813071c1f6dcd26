"""The warehouse's one error, and the sentences for what an operating system or DuckDB may refuse."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb


class WarehouseError(Exception):
    """A warehouse that cannot be read or written as asked; its text is one sentence for a person, never a traceback."""

    exit_code = 6


_KIND = re.compile(r"^(?:[A-Za-z ]+ Error: )+")
_KEPT = "nothing that was published has changed"


@contextmanager
def explained(doing: str, path: Path) -> Iterator[None]:
    """Turn an ``OSError`` or an error of DuckDB inside the block into a sentence.

    Parameters
    ----------
    doing : str
        What was under way, such as ``"publish run 1f3a"``; the sentence opens with "Cannot" and these words.
    path : Path
        Where, for errors that do not name a file themselves.

    Raises
    ------
    WarehouseError
        Says what was found, where, and what to do.
    """
    try:
        yield
    except OSError as fault:
        where = fault.filename2 or fault.filename or path
        raise WarehouseError(f"Cannot {doing}: {_sentence(fault.errno, fault.strerror or str(fault), where)}") from fault
    except duckdb.Error as fault:
        raise WarehouseError(f"Cannot {doing}: {first_line(fault)}; {_KEPT}.") from fault


def _sentence(code: int | None, reason: str, where: object) -> str:
    if code in {errno.ENOSPC, errno.EDQUOT}:
        return f"the disk that holds {where} is full; {_KEPT}, free some space and run again."
    if code == errno.EFBIG:
        return f"{where} would grow beyond the largest file allowed here (ulimit -f); {_KEPT}, raise the limit and run again."
    if code in {errno.EACCES, errno.EPERM, errno.EROFS}:
        return f"{where} may not be written; {_KEPT}, make it writable or point MARKETSIM_WAREHOUSE elsewhere."
    if code in {errno.ENOTDIR, errno.EEXIST, errno.EISDIR}:
        return f"something is in the way at {where}, where a folder or file of the warehouse belongs; {_KEPT}, move it away and run again."
    if code == errno.ENOENT:
        return f"{where} has disappeared, perhaps because another process published or removed this run; {_KEPT}, run again."
    return f"{where}: {reason}; {_KEPT}."


def first_line(fault: BaseException) -> str:
    """Return the first line of an error of DuckDB without its kind, such as ``Binder Error:``."""
    return _KIND.sub("", str(fault).strip().split("\n", 1)[0])
