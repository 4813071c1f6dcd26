"""A place to run faulty descriptions in: a folder of its own, a warehouse with one published run, and a look at what changed."""

import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner

from marketsim.cli import main
from warehouse.staging import Staging

# What a person should never have to read: the words of the libraries below.
JARGON = re.compile(r"Traceback|pydantic|Input should|\[type=|numpy\.|pandas\.|pyarrow\.|<class '|ValidationError|errors\.|unexpected \w+:")


@dataclass(frozen=True)
class Refusal:
    """How a faulty run ended."""

    exit_code: int
    sentences: list[str]

    def must_say(self, *patterns: str) -> None:
        """Check that the whole answer is clear sentences, among which each pattern is found."""
        told = "\n".join(self.sentences)
        assert self.sentences, f"nothing was said; exit code {self.exit_code}"
        assert self.exit_code in {2, 3, 4, 5}, f"exit code {self.exit_code}: {told}"
        assert not JARGON.search(told), told
        assert all(sentence.endswith((".", "?", "findings.html")) for sentence in self.sentences), told
        for pattern in patterns:
            assert re.search(pattern, told), f"expected /{pattern}/ in: {told}"


@dataclass(frozen=True)
class Laboratory:
    """A folder with configs and data files, and the warehouse they must not touch."""

    folder: Path
    warehouse: Path

    def write(self, name: str, content: str | bytes) -> Path:
        path = self.folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def run(self, config: str | bytes, *arguments: str) -> Refusal:
        """Run a description and return what stood on stderr."""
        return self.run_path(self.write("run.yaml", config), *arguments)

    def run_path(self, path: Path, *arguments: str) -> Refusal:
        """Run the description at a path."""
        result = CliRunner().invoke(main, ["run", str(path), *arguments])
        lines = [line.removeprefix("error: ") for line in result.stderr.splitlines() if line.startswith("error: ")]
        return Refusal(result.exit_code, [line.replace(f"{self.folder}/", "") for line in lines])

    def tree(self) -> Mapping[str, tuple[int, int, int]]:
        """Return every file of the warehouse that readers could see, with what changes when anybody writes to it."""
        files = (path for path in sorted(self.warehouse.rglob("*")) if path.is_file() and path.name != ".lock")
        seen = ((path, path.lstat()) for path in files if not path.is_relative_to(self.warehouse / "staging"))
        return {path.relative_to(self.warehouse).as_posix(): (stat.st_ino, stat.st_size, stat.st_mtime_ns) for path, stat in seen}

    def half_written(self) -> list[Path]:
        """Return temporary files, and staged steps whose files are not what the step wrote; finished steps may stay to be looked at."""
        temporary = [path for path in self.warehouse.rglob("*") if path.name.endswith((".tmp", ".part"))]
        folders = [path for path in (self.warehouse / "staging").glob("*") if path.is_dir()]
        marks = [(folder, mark) for folder in folders for mark in (folder / "steps").glob("*.json")]
        return temporary + [mark for folder, mark in marks if not Staging(self.warehouse, folder.name).done(mark.stem)]


@pytest.fixture(scope="session")
def published_warehouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a warehouse that already holds something, so that "nothing was written" means "nothing was changed" too."""
    folder = tmp_path_factory.mktemp("faults")
    (folder / "good.yaml").write_text(
        "name: good\nsymbols: [AAPL]\nstart: 2012-01-03\nend: 2012-06-29\nstrategy: {kind: buy_and_hold}\n", encoding="utf-8"
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MARKETSIM_WAREHOUSE", str(folder / "warehouse"))
        result = CliRunner().invoke(main, ["run", str(folder / "good.yaml"), "--json"])
    assert result.exit_code == 0, result.output
    return folder / "warehouse"


@pytest.fixture
def laboratory(published_warehouse: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Laboratory]:
    """Return a laboratory whose warehouse must be the same afterwards as before."""
    monkeypatch.setenv("MARKETSIM_WAREHOUSE", str(published_warehouse))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))  # strategies are found in the working folder, in this test only
    place = Laboratory(tmp_path, published_warehouse)
    before = place.tree()
    yield place
    assert place.tree() == before, "a refused run changed the warehouse"
    assert place.half_written() == []
