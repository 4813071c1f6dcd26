"""The JSON Schema agrees with what the product accepts, and the committed copy is current."""

from pathlib import Path

import jsonschema
import pytest

from marketsim.config.file import read_yaml
from marketsim.config.schema import MODELINE, run_schema, schema_text

CONFIGS = Path(__file__).parents[2] / "configs"
GOOD = {"name": "tiny", "symbols": ["AAPL"], "start": "2020-01-02", "strategy": {"kind": "sma_crossover"}}


def accepts(data: object) -> bool:
    return jsonschema.Draft7Validator(run_schema()).is_valid(data)


def test_the_committed_schema_is_current() -> None:
    assert (CONFIGS / "schema.json").read_text() == schema_text(), "run: marketsim config schema --output configs/schema.json"


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("*.yaml")), ids=lambda path: path.name)
def test_every_shipped_run_fits_the_schema_and_names_it(path: Path) -> None:
    jsonschema.Draft7Validator(run_schema()).validate(read_yaml(path))
    assert MODELINE in path.read_text().splitlines()


@pytest.mark.parametrize(
    "change",
    [
        {"symbls": []},
        {"symbols": "AAPL"},
        {"strategy": {"kind": "sma_crossover", "fsat": 3}},
        {"strategy": {"fast": 3}},
        {"strategy": {"kind": "sma"}},
        {"providers": [{"kind": "file"}]},
        {"account": {"cash": -1}},
        {"seed": 1.5},
    ],
)
def test_what_the_product_refuses_an_editor_marks(change: dict[str, object]) -> None:
    assert accepts(GOOD)
    assert not accepts({**GOOD, **change})


def test_a_strategy_of_ones_own_fits() -> None:
    assert accepts({**GOOD, "strategy": {"kind": "mine.traders:Contrarian", "params": {"n": 3}}})


def test_every_key_tells_what_it_means() -> None:
    schema = run_schema()
    sections = {"top": schema, **schema["$defs"]}
    silent = {
        f"{name}.{key}"
        for name, section in sections.items()
        for key, entry in section["properties"].items()
        if "description" not in entry and "const" not in entry and "$ref" not in str(entry)
    }
    assert silent == set()
