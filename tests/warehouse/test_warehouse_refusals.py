"""What the machine may refuse: each refusal is one sentence, and nothing that was published changes."""

from __future__ import annotations

import errno
import json
import os
import resource
import shutil
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from warehouse import durable, reader
from warehouse.errors import WarehouseError, explained
from warehouse.publish import Publication, publish
from warehouse.staging import Staging
from warehouse.verify import verify

StageRun = Callable[..., Staging]


@pytest.fixture
def root(tmp_path: Path, stage: StageRun) -> Path:
    stage(tmp_path / "data", "r1")
    publish(tmp_path / "data", "r1")
    return tmp_path / "data"


def _make(root: Path, run_id: str, stage: StageRun) -> Publication:
    stage(root, run_id)
    return publish(root, run_id)


@pytest.mark.parametrize("step", ["write", "link", "catalog"])
def test_a_full_disk_is_told_and_nothing_is_lost(root: Path, stage: StageRun, step: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "somewhere")

    with monkeypatch.context() as patched:
        if step == "write":
            patched.setattr(os, "fsync", full)
        else:
            stage(root, "r2")
            patched.setattr(*((os, "link", full) if step == "link" else (shutil, "copyfile", full)))
        with pytest.raises(WarehouseError, match=r"Cannot .* run r2|Cannot publish r2") as refused:
            _make(root, "r2", stage)
        assert "is full; nothing that was published has changed, free some space and run again." in str(refused.value)
    assert [record.run_id for record in reader.runs(root)] == ["r1"]
    assert _make(root, "r2", stage).is_new
    assert verify(root) == []


def test_a_limit_on_file_sizes_stops_the_catalog_and_nothing_is_lost(root: Path, stage: StageRun) -> None:
    stage(root, "r2")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
        with pytest.raises(WarehouseError, match="Cannot publish r2"):
            publish(root, "r2")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert [record.run_id for record in reader.runs(root)] == ["r1"]
    assert publish(root, "r2").is_new
    assert verify(root) == []


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may write into read-only folders")
def test_a_read_only_folder_is_told(root: Path, stage: StageRun) -> None:
    stage(root, "r2")
    (root / "tables").chmod(0o555)
    try:
        with pytest.raises(WarehouseError, match="may not be written"):
            publish(root, "r2")
    finally:
        (root / "tables").chmod(0o755)


@pytest.mark.parametrize("code", [errno.EACCES, errno.EPERM, errno.EROFS])
def test_refused_writes_name_the_place_and_the_way_out(tmp_path: Path, code: int) -> None:
    told = r"Cannot publish r1: /mnt/data may not be written; .* point MARKETSIM_WAREHOUSE elsewhere"
    with pytest.raises(WarehouseError, match=told), explained("publish r1", tmp_path):
        raise OSError(code, "no", "/mnt/data")


@pytest.mark.parametrize("where", ["", "tables", "tables/fills", "runs", "catalog", "staging"])
def test_a_file_in_the_way_is_told(tmp_path: Path, stage: StageRun, where: str) -> None:
    root = tmp_path / "data"
    if where != "staging" and where:
        stage(root, "r1")
    obstacle = root / where
    obstacle.parent.mkdir(parents=True, exist_ok=True)
    obstacle.write_text("mine")
    with pytest.raises(WarehouseError, match="something is in the way at"):
        _make(root, "r1", stage)
    assert obstacle.read_text() == "mine"
    obstacle.unlink()
    assert _make(root, "r1", stage).is_new


def test_a_catalog_of_a_newer_format_is_refused_for_reading_and_publishing(root: Path, stage: StageRun) -> None:
    path = root / "catalog/000001.duckdb"
    path.chmod(0o644)
    with duckdb.connect(str(path)) as connection:
        connection.execute("UPDATE warehouse_format SET format_version = 99")
    before = path.read_bytes()
    stage(root, "r2")
    for attempt in (lambda: reader.runs(root), lambda: publish(root, "r2")):
        with pytest.raises(WarehouseError, match=r"000001.duckdb has warehouse format 99, this program knows up to 1; use a newer"):
            attempt()
    assert path.read_bytes() == before


def test_a_manifest_of_a_newer_format_is_refused(root: Path) -> None:
    path = root / "runs/r1/manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"format_version": 99}))
    with pytest.raises(WarehouseError, match="has warehouse format 99"):
        reader.manifest(root, "r1")


def test_a_failed_atomic_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    durable.write_atomic(tmp_path / "x", b"old")
    monkeypatch.setattr(Path, "replace", lambda *_: (_ for _ in ()).throw(OSError(errno.EIO, "broken")))
    with pytest.raises(OSError, match="broken"):
        durable.write_atomic(tmp_path / "x", b"new")
    assert [path.name for path in tmp_path.iterdir()] == ["x"]
    assert (tmp_path / "x").read_bytes() == b"old"
