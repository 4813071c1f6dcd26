"""The newest catalog version, opened once and shared by all requests, and the answers already made from it."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb

import marketsim
from warehouse import catalog
from warehouse.errors import WarehouseError

MAX_ANSWERS = 512


@dataclass(frozen=True, slots=True)
class Version:
    """One catalog version in memory; it stays as it was while newer ones are published.

    Attributes
    ----------
    number : catalog version; 0 before the first publication.
    etag : changes with what is published and with the program that words the answers.
    """

    number: int
    etag: str
    connection: duckdb.DuckDBPyConnection


class Newest:
    """Hands out the newest version; safe to use from many threads, and never in a publisher's way.

    A version file is opened read-only by its own name, so a publication, which makes a new file, waits for nobody. The version
    before is let go as soon as no request holds it.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._lock = threading.Lock()
        self._held: Version | None = None
        self._answers: OrderedDict[tuple[str, str], bytes] = OrderedDict()

    def version(self) -> Version:
        """Return the newest version, opening it if it is not the one held.

        Raises
        ------
        WarehouseError
            The warehouse cannot be read.
        """
        with self._lock:
            while self._held is None or self._held.number != catalog.current(self.root):
                number = catalog.current(self.root)
                try:
                    self._held = _opened(self.root, number)
                except WarehouseError:
                    if catalog.current(self.root) == number:
                        raise
                    # It was removed while we were opening it, because a newer one is there: take that.
            return self._held

    @contextmanager
    def cursor(self, version: Version) -> Iterator[duckdb.DuckDBPyConnection]:
        """Lend a cursor of its own to one request."""
        with self._lock:
            cursor = version.connection.cursor()
        try:
            yield cursor
        finally:
            cursor.close()

    def answer(self, version: Version, key: str, make: Callable[[duckdb.DuckDBPyConnection], bytes]) -> bytes:
        """Return the bytes kept for ``key`` of a version, or make them with a cursor; the answers asked for last are kept."""
        place = (version.etag, key)
        with self._lock:
            if place in self._answers:
                self._answers.move_to_end(place)
                return self._answers[place]
        with self.cursor(version) as cursor:
            content = make(cursor)
        with self._lock:
            self._answers[place] = content
            while len(self._answers) > MAX_ANSWERS:
                self._answers.popitem(last=False)
        return content


def _opened(root: Path, number: int) -> Version:
    connection = catalog.connect(root, number)
    published = connection.execute("SELECT run_id, digest FROM publications ORDER BY run_id").fetchall()
    told = hashlib.sha256(repr((marketsim.__version__, published)).encode()).hexdigest()[:12]
    return Version(number, f'"{number}-{told}"', connection)
