"""What a person meets first in the checkout: make's list of targets, the runs that ship, the CI script."""

from __future__ import annotations

import re
import runpy
import subprocess
from pathlib import Path

import pytest
import yaml

from marketsim.config.file import load_spec

ROOT = Path(__file__).parents[2]
CONFIGS = sorted((ROOT / "configs").glob("*.yaml"))
TARGETS = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)


def test_make_alone_explains_every_target() -> None:
    shown = subprocess.run(["make", "--no-print-directory"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    explained = re.findall(r"^  make ([a-z]+) +\S.{10,}$", shown, re.MULTILINE)
    assert explained == TARGETS


@pytest.mark.parametrize("page", [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))], ids=lambda p: str(p.relative_to(ROOT)))
def test_pages_name_only_targets_that_exist(page: Path) -> None:
    named = re.findall(r"(?:^|\$ |`)make ([a-z]+)\b", page.read_text(encoding="utf-8"), re.MULTILINE)
    assert set(named) <= set(TARGETS)


@pytest.mark.parametrize("path", CONFIGS, ids=lambda p: p.stem)
def test_every_run_that_ships_opens_with_its_question(path: Path) -> None:
    opening = re.match(r"(?:#.*\n)+", path.read_text(encoding="utf-8"))
    assert opening is not None
    assert "?" in opening[0]
    assert load_spec(path).name == path.stem


def test_ci_calls_the_targets_people_call() -> None:
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    called = re.search(r"make --no-print-directory (.*?) <", script)
    assert called is not None
    assert set(called[1].split()) <= set(TARGETS)
    assert called[1].split()[-1] == "test"  # its closing line is the last thing printed
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8"))
    assert ".ci/run" in [step.get("run") for step in workflow["jobs"]["check"]["steps"]]


def test_setting_up_an_unknown_set_is_refused_by_name() -> None:
    tried = subprocess.run([ROOT / "requirements" / "setup.sh", "everything"], capture_output=True, text=True, check=False)
    assert tried.returncode == 1
    assert tried.stderr == "setup: 'everything' is no set of packages; choose one of: runtime online dev.\n"


def test_a_python_that_is_too_old_or_missing_is_refused_by_name() -> None:
    environment = {"PATH": "/usr/bin:/bin", "PYTHON": "/no/such/python"}
    tried = subprocess.run([ROOT / "requirements" / "setup.sh", "runtime"], capture_output=True, text=True, check=False, env=environment)
    assert tried.returncode == 1
    assert "PYTHON=/no/such/python is not Python 3.11 or newer" in tried.stderr


def test_pip_settings_reach_uv_unless_uv_has_its_own() -> None:
    script = runpy.run_path(str(ROOT / "requirements" / "pip_settings.py"))
    listing = "\n".join(
        [
            "global.index-url='file:///everyone/simple'",
            "install.index-url='file:///mirror/simple'",  # pip lets the section of the command win
            r"global.extra-index-url='\nfile:///a\nfile:///b'",
            "global.find-links='/wheels'",
            "global.timeout='5'",
            ":env:.cert='/etc/own.pem'",
        ]
    )
    exports = script["exports"](script["pip_settings"](listing), {"UV_FIND_LINKS": "/own"})
    assert sorted(exports) == [
        "export SSL_CERT_FILE=/etc/own.pem",
        "export UV_DEFAULT_INDEX=file:///mirror/simple",
        "export UV_INDEX='file:///a file:///b'",
    ]
