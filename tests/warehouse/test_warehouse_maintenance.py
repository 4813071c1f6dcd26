"""Faults are found and told, old runs and versions go without disturbing readers, and a lost catalog comes back."""

from __future__ import annotations

import datetime as dt
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from warehouse import catalog, reader
from warehouse.errors import WarehouseError
from warehouse.maintenance import compact, rebuild, remove_runs
from warehouse.publish import publish
from warehouse.staging import Staging
from warehouse.verify import verify

StageRun = Callable[..., Staging]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("maintenance") / "data"


@pytest.fixture
def root(home: Path, tmp_path: Path, stage: StageRun) -> Path:
    """Return a warehouse of this test's own with the runs r1, r2 (called sample) and r3 (called other)."""
    if not home.exists():
        for run_id, name in (("r1", "sample"), ("r2", "sample"), ("r3", "other")):
            stage(home, run_id, name=name)
            publish(home, run_id)
    shutil.copytree(home, tmp_path / "data", symlinks=True)
    return tmp_path / "data"


def _ids(root: Path) -> list[str]:
    return sorted(record.run_id for record in reader.runs(root))


def _overwrite(path: Path, content: bytes) -> None:
    path.chmod(0o644)
    path.write_bytes(content)


def test_a_sound_warehouse_has_no_problems(root: Path) -> None:
    assert verify(root) == []


def test_missing_changed_and_stray_files_are_found(root: Path) -> None:
    (root / "tables/fills/run_id=r1/part-0.parquet").unlink()
    equity = root / "tables/equity/run_id=r2/part-0.parquet"
    content = bytearray(equity.read_bytes())
    content[len(content) // 2] ^= 1
    _overwrite(equity, bytes(content))
    (root / "runs/r3/metrics.json").write_text("{}")
    shutil.copytree(root / "tables/orders/run_id=r1", root / "tables/orders/run_id=stray")
    found = {(problem.kind, problem.path.relative_to(root).as_posix()) for problem in verify(root)}
    assert found == {
        ("missing", "tables/fills/run_id=r1/part-0.parquet"),
        ("changed", "tables/equity/run_id=r2/part-0.parquet"),
        ("changed", "runs/r3/metrics.json"),
        ("leftover", "tables/orders/run_id=stray"),
    }
    assert len(verify(root, content=False)) == 3  # one flipped bit leaves the size as it was


def test_rows_that_were_rewritten_consistently_are_found_by_their_digest(root: Path) -> None:
    path = root / "tables/fills/run_id=r1/part-0.parquet"
    _overwrite(path, (root / "tables/equity/run_id=r1/part-0.parquet").read_bytes())
    assert [problem.kind for problem in verify(root)] == ["changed"]


def test_a_manifest_that_was_edited_is_found(root: Path) -> None:
    manifest = root / "runs/r1/manifest.json"
    text = manifest.read_text()
    manifest.write_text(text.replace('"n_rows": 4', '"n_rows": 5', 1))
    assert {problem.kind for problem in verify(root)} >= {"contradiction"}
    manifest.write_text(text.replace('"digest": "', '"digest": "0', 1))
    assert [problem.kind for problem in verify(root)] == ["unreadable"]
    manifest.write_text(text[:-40])
    assert "is damaged" in verify(root)[0].message


def test_a_lost_pointer_is_told_and_the_catalog_rebuilt_from_manifests(root: Path) -> None:
    before = reader.runs(root)
    (root / "catalog.duckdb").unlink()
    with pytest.raises(WarehouseError, match=r"catalog.duckdb is missing although 3 runs lie in .*rebuild the catalog"):
        reader.runs(root)
    with pytest.raises(WarehouseError, match="rebuild the catalog"):
        publish(root, "r1")
    assert [problem.kind for problem in verify(root)] == ["unreadable"]
    shutil.rmtree(root / "catalog")
    rebuild(root)
    assert reader.runs(root) == before
    assert verify(root) == []


def test_a_damaged_catalog_is_told_and_rebuilt(root: Path) -> None:
    before = reader.runs(root)
    for content in (b"", b"not a database" * 5000):
        newest = root / os.readlink(root / "catalog.duckdb")  # noqa: PTH115
        _overwrite(newest, content)
        with pytest.raises(WarehouseError, match=r"rebuild the catalog|no catalog of a warehouse"):
            reader.runs(root)
        rebuild(root)
        assert reader.runs(root) == before


def test_a_newest_version_that_is_gone_is_told_and_rebuilt(root: Path) -> None:
    (root / "catalog/000003.duckdb").unlink()
    with pytest.raises(WarehouseError, match=r"Catalog version 3 is not in .*; it has 1, 2; the pointer names it: rebuild"):
        reader.runs(root)
    assert rebuild(root) == 4
    assert _ids(root) == ["r1", "r2", "r3"]


def test_a_pointer_that_became_a_file_is_told_and_rebuilt(root: Path) -> None:
    pointer = root / "catalog.duckdb"
    pointer.unlink()
    shutil.copyfile(root / "catalog/000003.duckdb", pointer)
    with pytest.raises(WarehouseError, match=r"catalog.duckdb is not a symbolic link"):
        reader.runs(root)
    rebuild(root)
    assert _ids(root) == ["r1", "r2", "r3"]


def test_rebuilding_refuses_when_a_file_is_missing(root: Path) -> None:
    (root / "tables/fills/run_id=r1/part-0.parquet").unlink()
    with pytest.raises(WarehouseError, match=r"fills/run_id=r1/part-0.parquet is missing"):
        rebuild(root)
    assert _ids(root) == ["r1", "r2", "r3"]


def test_removed_runs_vanish_for_new_readers_and_stay_for_old_versions(root: Path) -> None:
    with catalog.connect(root) as connection:
        assert remove_runs(root, run_ids=["r2"]) == ["r2"]
        assert connection.execute("SELECT count(DISTINCT run_id) FROM equity").fetchone() == (3,)
    assert _ids(root) == ["r1", "r3"]
    assert reader.query(root, "SELECT DISTINCT run_id FROM equity ORDER BY 1")[0].to_pylist() == ["r1", "r3"]
    assert reader.query(root, "SELECT count(DISTINCT run_id) FROM equity", version=3)[0].to_pylist() == [3]
    assert verify(root) == []
    compact(root, keep_versions=1)
    assert not list(root.glob("**/run_id=r2")) + list(root.glob("runs/r2"))
    assert verify(root) == []
    rebuild(root)
    assert _ids(root) == ["r1", "r3"]


def test_a_removed_run_can_be_published_again(root: Path, stage: StageRun) -> None:
    remove_runs(root, run_ids=["r2"])
    stage(root, "r2")
    assert publish(root, "r2").is_new
    compact(root, keep_versions=1)
    assert _ids(root) == ["r1", "r2", "r3"]
    assert verify(root) == []


def test_retention_goes_by_age_and_keeps_the_newest_of_each_name(root: Path) -> None:
    published = {record.run_id: record.published_utc for record in reader.runs(root)}
    assert remove_runs(root, older_than=published["r1"]) == []
    later = published["r3"] + dt.timedelta(days=1)
    assert remove_runs(root, older_than=later, keep=1) == ["r1"]
    assert _ids(root) == ["r2", "r3"]
    with pytest.raises(WarehouseError, match="There is no published run r1"):
        remove_runs(root, run_ids=["r1", "r2"])
    assert _ids(root) == ["r2", "r3"]


def test_compacting_drops_old_versions_strays_and_abandoned_staging(root: Path, stage: StageRun) -> None:
    stage(root, "fresh")
    abandoned = stage(root, "abandoned").folder
    for path in [*abandoned.rglob("*"), abandoned]:
        os.utime(path, (0, 0))
    shutil.copytree(root / "tables/orders/run_id=r1", root / "tables/orders/run_id=stray")
    (root / "runs/.r9.tmp").mkdir()
    result = compact(root, keep_versions=1, pinned=[1])
    assert result.versions == (2,)
    assert [path.name for path in result.stale] == ["abandoned"]
    assert [path.name for path in result.leftovers] == [".r9.tmp", "run_id=stray"]
    assert result.n_bytes_freed > 10_000
    assert catalog.versions(root) == [1, 3]
    assert [path.name for path in (root / "staging").iterdir()] == ["fresh"]
    assert _ids(root) == ["r1", "r2", "r3"]
    assert verify(root) == []
    with pytest.raises(WarehouseError, match="keep_versions is 0"):
        compact(root, keep_versions=0)
