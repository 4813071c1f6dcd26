"""What the checkout promises about the packages it installs."""

from __future__ import annotations

import re
from importlib.metadata import distribution, distributions
from pathlib import Path

import pytest
from packaging.markers import Marker

ROOT = Path(__file__).parents[2]
LOCKS = {name: ROOT / "requirements" / f"{name}.txt" for name in ("runtime", "online", "dev", "uv")}

PERMISSIVE = re.compile(
    r"\b(MIT|BSD|0BSD|Apache|ISC|PSF|Python Software Foundation|Python-2\.0|NCSA|HPND|Unlicense|Zlib|MPL|Mozilla|CC0|BSL-1\.0)\b",
    re.IGNORECASE,
)

# Packages whose metadata names no permissive licence, each looked at by hand.
LOOKED_AT = {"text-unidecode": "Artistic License or GPL as the user chooses; the Artistic License asks only that changes are marked"}


def pins(lock: Path) -> dict[str, set[str]]:
    """Return name → locked versions; a lock for all platforms may hold two, told apart by markers."""
    found: dict[str, set[str]] = {}
    for name, version in re.findall(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^\s;]+)", lock.read_text(encoding="utf-8"), re.MULTILINE):
        found.setdefault(name.lower(), set()).add(version)
    return found


@pytest.mark.parametrize("name", LOCKS)
def test_every_locked_package_has_hashes_and_no_address(name: str) -> None:
    requirements = re.split(r"\n(?=\S)", LOCKS[name].read_text(encoding="utf-8").strip())
    for requirement in requirements:
        assert re.match(r"[A-Za-z0-9._-]+(\[[^\]]*\])?==", requirement), requirement
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", requirement), requirement
        assert "://" not in requirement, requirement
        assert "index-url" not in requirement, requirement
        assert "find-links" not in requirement, requirement


def test_each_lock_holds_the_one_before() -> None:
    runtime, online, dev = (pins(LOCKS[name]) for name in ("runtime", "online", "dev"))
    assert runtime.items() <= online.items() <= dev.items()


def test_the_lock_is_what_the_project_asks_for() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    asked = re.search(r"^dependencies = \[(.*?)^\]", text, re.MULTILINE | re.DOTALL)
    assert asked is not None
    names = {re.match(r"[A-Za-z0-9._-]+", item)[0].lower() for item in re.findall(r'^\s*"([^"]+)"', asked[1], re.MULTILINE)}  # type: ignore[index]
    assert names <= set(pins(LOCKS["runtime"]))


def licence_text(name: str) -> str:
    metadata = distribution(name).metadata
    classifiers = [c for c in metadata.get_all("Classifier") or [] if c.startswith("License ::")]
    return " ".join([metadata.get("License-Expression") or "", (metadata.get("License") or "")[:400], *classifiers])


def test_every_runtime_package_is_permissively_licensed() -> None:
    here = {(d.metadata["Name"] or "").lower().replace("_", "-").replace(".", "-") for d in distributions()}
    installed = [name for name in pins(LOCKS["runtime"]) if name.replace("_", "-").replace(".", "-") in here]
    assert len(installed) > 100
    unclear = {name: licence_text(name) for name in installed if not PERMISSIVE.search(licence_text(name))}
    assert set(unclear) == set(LOOKED_AT), unclear


def test_markers_of_the_lock_can_be_read() -> None:
    for marker in re.findall(r"^[^#\s]\S* ; (.*?)(?: \\)?$", LOCKS["dev"].read_text(encoding="utf-8"), re.MULTILINE):
        Marker(marker)
