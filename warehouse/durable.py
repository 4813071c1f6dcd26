"""File operations that are all or nothing, and that last once they return."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

from warehouse.errors import WarehouseError

READ_ONLY_MODE = 0o444
_COPY_BYTES = 1 << 20
_LOCK_POLL_S = 0.02


def sync(path: Path) -> None:
    """Make a file's bytes, or the entries of a folder, survive a loss of power."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def temporary_name(path: Path) -> Path:
    """Return a hidden name beside ``path`` that no other process uses."""
    return path.with_name(f".{path.name}.{uuid4().hex[:12]}.tmp")


def make_folder(folder: Path) -> None:
    """Make a folder and those above it that are missing, each to last."""
    if not folder.is_dir():
        make_folder(folder.parent)
        folder.mkdir(exist_ok=True)
        sync(folder.parent)


def write_atomic(path: Path, content: bytes) -> None:
    """Write a whole file under its final name or not at all; its folder is made if need be."""
    make_folder(path.parent)
    temporary = temporary_name(path)
    try:
        with temporary.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync(path.parent)


def place(source: Path, target: Path) -> None:
    """Give ``source`` a second name ``target``, replacing it, by a hard link; by a copy where links are not supported.

    The source stays, so a process killed afterwards can begin again.
    """
    make_folder(target.parent)
    temporary = temporary_name(target)
    try:
        os.link(source, temporary)
    except OSError as fault:
        if fault.errno not in {errno.EPERM, errno.EXDEV, errno.ENOTSUP, errno.EMLINK, errno.ENOSYS}:
            raise
        shutil.copyfile(source, temporary)
        sync(temporary)
    temporary.replace(target)
    sync(target.parent)


def point(link: Path, target: str) -> None:
    """Make ``link`` a symbolic link to ``target`` by one atomic rename; a reader sees the old one or the new one."""
    temporary = temporary_name(link)
    temporary.symlink_to(target)
    temporary.replace(link)
    sync(link.parent)


def remove_folder(folder: Path) -> None:
    """Remove a folder: first its name, in one step, then what was in it. A missing folder is no error."""
    doomed = temporary_name(folder)
    with suppress(FileNotFoundError):
        folder.rename(doomed)
        shutil.rmtree(doomed)


def remove(path: Path) -> int:
    """Remove a file, link or folder and return how many bytes its files held."""
    if path.is_dir() and not path.is_symlink():
        n_bytes = sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
        remove_folder(path)
        return n_bytes
    n_bytes = path.lstat().st_size
    path.unlink()
    return n_bytes


def sha256_of(path: Path) -> str:
    """Return the sha256 of a file's bytes, hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_COPY_BYTES):
            digest.update(block)
    return digest.hexdigest()


@contextmanager
def exclusive(lock: Path, timeout_s: float) -> Iterator[None]:
    """Hold ``lock`` alone for the block; the kernel releases it when the process ends in whatever way.

    Raises
    ------
    WarehouseError
        When another process still holds it after ``timeout_s`` seconds.
    """
    make_folder(lock.parent)
    handle = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        deadline = time.monotonic() + timeout_s
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    raise WarehouseError(
                        f"Another process has been writing to this warehouse for {timeout_s:g} s and holds {lock}; "
                        "wait for it, or end it, and run again."
                    ) from None
                time.sleep(_LOCK_POLL_S)
        yield
    finally:
        os.close(handle)
