"""What the README and the documentation show is run as shown: commands, Python, SQL, and run descriptions.

The blocks of a page run in order, in one folder. ``bash``, ``python`` and ``sql`` blocks must succeed, ``yaml`` blocks with a
``name`` must be valid runs, a block with a title is also saved under it. ``console`` blocks show what needs a network or a
server, or was shown elsewhere: their commands must exist.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click
import pytest

from marketsim.cli import main as command_line
from marketsim.config.file import check_spec, read_yaml
from tasks.pipeline import run_pipeline
from tasks.references import Outcome, RunRequest
from warehouse.catalog import connect

ROOT = Path(__file__).parents[2]
FENCE = re.compile(r'^```(\w+)(?: title="([^"]+)")?\n(.*?)^```$', re.MULTILINE | re.DOTALL)
RUN = ("bash", "python", "sql", "yaml", "console")


@dataclass(frozen=True, slots=True)
class Block:
    language: str
    title: str
    text: str
    line: int


def blocks(page: Path) -> list[Block]:
    text = page.read_text(encoding="utf-8")
    return [Block(m[1], m[2] or "", m[3], text.count("\n", 0, m.start()) + 1) for m in FENCE.finditer(text) if m[1] in RUN]


PAGES = [page for page in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))) if blocks(page)]


@pytest.fixture(scope="module")
def nightly(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Outcome]:
    """A warehouse with the nightly run, and its outcome."""
    root = tmp_path_factory.mktemp("warehouse")
    return root, run_pipeline(RunRequest(config=ROOT / "configs" / "nightly.yaml"), root)


@pytest.fixture(scope="module")
def warehouse(nightly: tuple[Path, Outcome]) -> Path:
    """A warehouse with the nightly run and a sweep."""
    run_pipeline(RunRequest(config=ROOT / "configs" / "sweep.yaml"), nightly[0])
    return nightly[0]


@pytest.fixture
def folder(tmp_path: Path, warehouse: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder that looks like the checkout to a command, with a warehouse that holds the nightly run and the sweep."""
    shutil.copytree(ROOT / "configs", tmp_path / "configs")  # a copy, because titled blocks are written into it
    for name in ("flows", "tasks"):
        (tmp_path / name).symlink_to(ROOT / name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MARKETSIM_WAREHOUSE", str(warehouse))
    return tmp_path


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_what_a_page_shows_runs(page: Path, folder: Path, warehouse: Path) -> None:
    for block in blocks(page):
        where = f"{page.relative_to(ROOT)}, line {block.line}"
        if block.title:
            (folder / block.title).write_text(block.text, encoding="utf-8")
        if block.language == "yaml" and re.search(r"^name:", block.text, re.MULTILINE):
            (folder / "block.yaml").write_text(block.text, encoding="utf-8")
            check_spec(read_yaml(folder / "block.yaml"), where)
        elif block.language == "sql":
            with connect(warehouse) as catalog:
                assert catalog.sql(block.text).fetchall(), f"{where}: no rows"
        elif block.language == "python":
            run([sys.executable, "-c", block.text], where)
        elif block.language == "bash":
            run(["bash", "-euo", "pipefail", "-c", block.text], where)
        elif block.language == "console":
            for command in re.findall(r"^\$ (.*)$", block.text, re.MULTILINE):
                assert_known(command.partition("#")[0].split(), where)


def test_the_readme_shows_what_the_nightly_run_prints(nightly: tuple[Path, Outcome]) -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    table = re.findall(r"^```text\n(nightly · run.*?)^```", text, re.MULTILINE | re.DOTALL)[0]
    shown = re.findall(r"^([A-Z][\w, ]+?)  +([−+\d].*)$", table, re.MULTILINE)
    printed = {label: cells for label, *cells in nightly[1].summary[1:]}
    assert len(shown) >= 11
    for label, cells in shown:
        assert re.split(r" {2,}", cells.strip()) == list(printed[label]), label


def run(command: list[str], where: str) -> None:
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "PYTHONPATH": ""}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, f"{where}: {done.stdout}\n{done.stderr}"


def assert_known(words: list[str], where: str) -> None:
    """Check that a command exists: a target of make, or a command of ours down to its options."""
    if words[0] == "make":
        targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
        assert {word for word in words[1:] if "=" not in word} <= set(targets), f"{where}: {words}"
    elif words[0] == "marketsim":
        command: click.Command = command_line
        for word in words[1:]:
            if isinstance(command, click.Group):
                found = command.get_command(click.Context(command), word)
                assert found is not None, f"{where}: marketsim has no command {word}"
                command = found
            elif word.startswith("--"):
                known = {option for parameter in command.params for option in parameter.opts}
                assert word.partition("=")[0] in known, f"{where}: {words}"
