"""Nothing a user can name is missing from the documentation: settings, tables, views, measures, strategies, checks, commands, flows."""

from __future__ import annotations

import re
import runpy
import tomllib
from pathlib import Path

import pytest
import yaml

from flows.settings import DEFAULTS
from marketsim.config.run import RunSpec
from marketsim.risk.measures import BY_NAME
from warehouse.schemas import TABLES

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"


@pytest.fixture(scope="module")
def generated() -> dict[str, str]:
    pages: dict[str, str] = runpy.run_path(str(DOCS / "generate.py"))["pages"]()
    return pages


def page(name: str) -> str:
    return (DOCS / f"{name}.md").read_text(encoding="utf-8")


def headings(text: str) -> set[str]:
    return set(re.findall(r"^#+ (.*?)(?: \{.*\})?$", text, re.MULTILINE))


def sources() -> list[Path]:
    return [path for room in ("marketsim", "warehouse", "tasks", "flows") for path in (ROOT / room).rglob("*.py")]


def test_every_environment_variable_is_documented() -> None:
    code = "\n".join(path.read_text(encoding="utf-8") for path in sources())
    read = set(re.findall(r'"((?:MARKETSIM|PREFECT)_[A-Z_]+|[A-Z]+_API_KEY|DO_NOT_TRACK|XDG_[A-Z_]+)"', code))
    documented = set(re.findall(r"`([A-Z][A-Z_]+)`", page("reference/settings")))
    assert read - documented == set()
    ours = {name for name in documented if name.startswith("MARKETSIM_")}
    assert ours - read == set()


def test_prefect_settings_are_documented_with_their_values() -> None:
    second = page("reference/settings").split("These differ from Prefect's defaults")[1]
    shown = dict(re.findall(r"^\| `([A-Z_]+)` \| `(.*?)` \|", second, re.MULTILINE))
    assert shown == {name: value.removeprefix(f"{ROOT}/") for name, value in DEFAULTS.items()}


def test_every_key_of_a_run_is_documented(generated: dict[str, str]) -> None:
    text = generated["reference/configuration.md"]
    assert [key for key in RunSpec.model_fields if f"| `{key}` |" not in text] == []
    rows = re.findall(r"^\| `\w+` \| .*? \| .*? \| (.*?) \|$", text, re.MULTILINE)
    assert len(rows) > 60
    assert all(rows)


def test_every_strategy_is_documented(generated: dict[str, str]) -> None:
    strategies = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "marketsim" / "agents" / "strategies").glob("*.py"))
    kinds = set(re.findall(r'kind: Literal\["(\w+)"\]', strategies))
    assert len(kinds) >= 6
    assert kinds <= headings(generated["reference/strategies.md"])


def test_every_table_and_view_is_documented(generated: dict[str, str]) -> None:
    views = {path.stem for path in (ROOT / "warehouse" / "views").glob("*.sql")}
    assert set(TABLES) | views <= headings(generated["reference/tables.md"])


def test_every_measure_is_documented(generated: dict[str, str]) -> None:
    text = generated["reference/metrics.md"]
    assert [name for name in BY_NAME if f"| `{name}` |" not in text] == []


def test_every_command_and_route_is_documented(generated: dict[str, str]) -> None:
    commands = headings(generated["reference/command-line.md"])
    assert {f"marketsim {name}" for name in ("run", "runs", "sql", "diff", "reproduce", "config check", "warehouse verify")} <= commands
    assert {"GET /health", "GET /runs", "GET /runs/{run_id}", "GET /metrics"} <= headings(generated["reference/http-api.md"])


def test_every_check_of_the_data_is_documented_with_its_name() -> None:
    code = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "marketsim" / "validation").glob("*_checks.py"))
    assert set(re.findall(r'\bname="(\w+)"', code)) == set(re.findall(r"^\| `(\w+)` \|", page("concepts/validation"), re.MULTILINE))


def test_every_flow_and_deployment_is_documented() -> None:
    deployed = yaml.safe_load((ROOT / "prefect.yaml").read_text(encoding="utf-8"))["deployments"]
    text = page("reference/flows")
    assert [item["name"] for item in deployed if f"| `{item['name']}` |" not in text] == []
    assert [item["entrypoint"] for item in deployed if f"`{item['entrypoint']}`" not in text] == []


def test_the_import_table_is_the_one_that_is_enforced() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]["contracts"]
    table = re.findall(r"^\| ([A-Z].*?) \| ", page("architecture"), re.MULTILINE)
    assert table == [contract["name"] for contract in contracts]


def test_every_decision_is_listed() -> None:
    written = {path.name for path in (DOCS / "decisions").glob("[0-9]*.md")}
    assert set(re.findall(r"\]\((\d{4}-[\w-]+\.md)\)", page("decisions/index"))) == written
    for name in written:
        text = (DOCS / "decisions" / name).read_text(encoding="utf-8")
        assert all(f"**{part}.**" in text for part in ("Context", "Choice", "Cost")), name


def test_nothing_in_the_documentation_asks_another_host_for_anything() -> None:
    settings = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    assert "font: false" in settings
    assert re.findall(r"https?://", settings) == []
