"""Tell two runs apart: their settings, their tables, their metrics."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from marketsim.cli.failures import json_option
from marketsim.cli.output import print_object, print_table

DIFFERENT = 1
_SHOWN = 28
_ABSENT = "–"


@click.command(short_help="Tell two runs apart.")
@click.argument("run_a")
@click.argument("run_b")
@json_option
def diff(run_a: str, run_b: str, as_json: bool) -> None:
    """Tell two runs apart: which tables differ, where first, and which metrics; the exit code is 1 when they differ."""
    from dataclasses import asdict

    from warehouse import compare
    from warehouse.settings import root

    found = compare.diff(root(), run_a, run_b)
    settings = _settings(root(), found.run_a, found.run_b)
    if as_json:
        print_object({"status": "equal" if found.equal else "different", **asdict(found), "settings": settings})
    else:
        click.echo(f"a = {found.run_a}   b = {found.run_b}")
        if settings:
            print_table(("setting", "a", "b"), [(s["key"], *(_short(s[side]) for side in "ab")) for s in settings])
            click.echo()
        rows = [(t.table, "same" if t.equal else "differs", t.n_rows_a, t.n_rows_b, _first(t.first)) for t in found.tables]
        print_table(("table", "", "rows in a", "rows in b", "first difference"), rows)
        if found.metrics:
            click.echo()
            print_table(("agent", "metric", "a", "b", "unit"), [(m.agent, m.metric, m.a, m.b, m.unit) for m in found.metrics])
    click.get_current_context().exit(0 if found.equal else DIFFERENT)


def _settings(root: Path, run_a: str, run_b: str) -> list[dict[str, Any]]:
    """Return the keys in which the two configurations differ, dotted, with both values; a key only one has is absent in the other."""
    from warehouse import reader

    a, b = (_flat(json.loads(reader.table(root, run, "configs")["config_json"][0].as_py())) for run in (run_a, run_b))
    keys = [key for key in {**a, **b} if a.get(key, _ABSENT) != b.get(key, _ABSENT)]
    return [{"key": key, "a": a.get(key, _ABSENT), "b": b.get(key, _ABSENT)} for key in sorted(keys)]


def _flat(value: Any, key: str = "") -> dict[str, Any]:
    if isinstance(value, dict) and value:
        return {k: v for name, entry in value.items() for k, v in _flat(entry, f"{key}.{name}" if key else name).items()}
    if isinstance(value, list) and any(isinstance(entry, (dict, list)) for entry in value):
        return {k: v for n, entry in enumerate(value) for k, v in _flat(entry, f"{key}.{n}").items()}
    return {key: value}


def _first(difference: Any) -> str:
    """Return where two tables differ first, on one line."""
    if difference is None:
        return ""
    if not difference.a or not difference.b:
        return f"row {difference.row} is only in {'a' if difference.a else 'b'}"
    values = (f"{name} {_short(difference.a[name])} → {_short(difference.b[name])}" for name in difference.columns[:2])
    return f"row {difference.row}: {', '.join(values)}"


def _short(value: Any) -> str:
    text = str(value).removesuffix("+00:00") if not isinstance(value, list) else ", ".join(map(str, value))
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"
