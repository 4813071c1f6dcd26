"""The agents' pages hold every parameter as the code has it, and what they show as YAML is accepted."""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from marketsim.agents.compiled import CompiledAgent
from marketsim.agents.kinds import ROOMS
from marketsim.config.population import Group
from marketsim.markets.simulated.holdings import without_files

ROOT = Path(__file__).parents[2]
SHARED = "Parameters they share"
PAGES = sorted((ROOT / "docs" / "agents").glob("*.md"))


def kinds() -> dict[str, str]:
    """Return the module of every compiled kind."""
    files = (path for room in ROOMS for path in (ROOT / "marketsim" / "agents" / room).glob("*.py"))
    named = [path for path in files if f'kind: Literal["{path.stem}"]' in path.read_text(encoding="utf-8")]
    return {path.stem: f"marketsim.agents.{path.parent.name}.{path.stem}" for path in named}


def sections(page: Path) -> dict[str, str]:
    """Return the text under each heading that is the name of a kind."""
    parts = re.split(r"^## (.+)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    found = {heading: text for heading, text in zip(parts[1::2], parts[2::2], strict=True) if heading in kinds()}
    assert found, f"{page.name} describes no kind of agent"
    return found


def agent(kind: str) -> CompiledAgent:
    found = getattr(importlib.import_module(kinds()[kind]), kind)
    assert isinstance(found, CompiledAgent)
    return found


def shared_rows(page: Path) -> list[str]:
    """Return the parameters that a page gives once for all of its kinds that have them."""
    parts = re.split(r"^## (.+)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    texts = [text for heading, text in zip(parts[1::2], parts[2::2], strict=True) if heading == SHARED]
    return re.findall(r"^\| `.*\|$", "".join(texts), re.MULTILINE)


def row(name: str, field: FieldInfo) -> str:
    return f"| `{name}` | {shown(field.default)} | {field.description} |"


def shown(value: Any) -> str:
    if value is PydanticUndefined:
        return "must be given"
    if isinstance(value, tuple) and len(value) > 6:
        return f"{len(value)} numbers, {value[0]:g} … {value[-1]:g}"
    if isinstance(value, tuple):
        return ", ".join(f"{number:g}" for number in value)
    return f"{value:g}" if isinstance(value, float) else str(value)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_has_every_parameter_of_every_kind_as_the_code_has_it(page: Path) -> None:
    shared = shared_rows(page)
    for kind, text in sections(page).items():
        rows = [row(name, field) for name, field in agent(kind).params.model_fields.items() if name != "kind"]
        if set(shared) <= set(rows):
            rows = [one for one in rows if one not in shared]
        assert re.findall(r"^\| `.*\|$", text, re.MULTILINE) == rows, kind
        assert f"](../images/agents/{kind}.png)" in text
        assert (ROOT / "docs" / "images" / "agents" / f"{kind}.png").is_file()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_populations_shown_on_a_page_are_accepted(page: Path) -> None:
    for kind, text in sections(page).items():
        populations = [yaml.safe_load(block)["population"] for block in re.findall(r"^```yaml\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)]
        groups = [group for population in populations for group in population.values()]
        assert groups
        for group in groups:
            assert set(group) == {"kind", "count", "parameters"}
            assert group["kind"] == kind
            agent(kind).params.model_validate(without_files(Group(**group)).parameters)
