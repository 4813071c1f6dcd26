"""Captured feeds: one JSON message a line, with or without the moment it was received in front of it.

Three forms are read, gzipped or plain: bare JSON; ``1680652800004107 {…}`` (microseconds since the epoch); and
``1633998512.0633569: {…}`` (seconds), where a line may name the address and the direction before the time.
"""

from __future__ import annotations

import gzip
import json
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from marketsim.errors import DataError

LINE = re.compile(r"^(?:(?P<address>\S+://\S+) (?P<way><->|<-|->) )?(?P<time>\d+(?:\.\d+)?):? ?(?P<json>[\[{].*)?$", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Captured:
    """One line of a capture."""

    line: int  # 0-based, over all files of the capture
    received_ns: int | None  # None where the line does not say
    address: str | None  # where an answer came from
    message: dict[str, Any] | None  # None where the line is no JSON object


def captured(*paths: Path) -> Iterator[Captured]:
    """Yield the incoming lines of captures in the order of reception; what was sent and connection notes are left out.

    Raises
    ------
    DataError
        A file cannot be read, is cut off in the middle of its compression, or is not text.
    """
    lines = [line for n, path in enumerate(paths) for line in _file(path, n)]
    if len(paths) > 1:
        lines.sort(key=lambda line: line.received_ns or 0)
    for number, line in enumerate(lines):
        yield Captured(number, line.received_ns, line.address, line.message)


def _file(path: Path, first: int) -> list[Captured]:
    found = []
    try:
        with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as file:
            for text in file:
                line = _line(text.strip(), first)
                if line is not None:
                    found.append(line)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(f"{path.name} is cut off or damaged after line {len(found):,} ({error}); fetch it again.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path.name} cannot be read as a capture of JSON lines: {error}.") from error
    return found


def _line(text: str, first: int) -> Captured | None:
    """Return one line, or None where it is empty, outgoing or a note about the connection."""
    if not text:
        return None
    if text[0] in "[{":
        return Captured(first, None, None, _json(text))
    match = LINE.match(text)
    if match is None:
        return Captured(first, None, None, None)
    if match["way"] in ("<->", "<-") or match["json"] is None:
        return None
    return Captured(first, _ns(match["time"]), match["address"], _json(match["json"]))


def _json(text: str) -> dict[str, Any] | None:
    try:
        value = json.loads(text)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _ns(text: str) -> int:
    """Return ns since the epoch from seconds (ten digits), milli-, micro- or nanoseconds (three more each)."""
    whole, _, fraction = text.partition(".")
    digits = whole + fraction[: max(0, 19 - len(whole))]
    return int(digits.ljust(19, "0"))
