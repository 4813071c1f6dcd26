"""Write the reference from the code at every build of the documentation, so that it cannot fall behind it.

MkDocs loads this file as a hook; `pages` is what the tests read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import click
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files

PROJECT = Path(__file__).resolve().parents[1]
NAMED_BY_ITSELF = {"kind": "Which one it is.", "strategy": "What the agent does."}


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the generated pages to the documentation (called by MkDocs)."""
    from mkdocs.structure.files import File

    for uri, page in pages().items():
        files.append(File.generated(config, uri, content=page))
    return files


def pages() -> dict[str, str]:
    """Return the Markdown of every generated page by its place below ``docs/``."""
    makers: dict[str, Callable[[], str]] = {
        "configuration": configuration,
        "strategies": strategies,
        "agents": agents,
        "command-line": command_line,
        "tables": tables,
        "metrics": metrics,
        "http-api": http_api,
    }
    return {f"reference/{name}.md": make() for name, make in makers.items()}


# --- the run description --------------------------------------------------------------------------------------------


def configuration() -> str:
    """Describe every section and key of a run's YAML."""
    from marketsim.config.schema import run_schema

    schema = run_schema()
    sections = {name: section for name, section in schema["$defs"].items() if name not in _strategy_names(schema)}
    text = [
        "# Configuration",
        "A run is one YAML file. These are all its keys, written from the code that checks them. Unknown keys are refused with the "
        "nearest allowed one. `marketsim config check FILE` checks a file, `marketsim config show FILE` prints it with every default "
        "filled in, and `configs/schema.json` lets editors complete keys and mark errors.",
        "Values follow YAML 1.2: `ON` and `NO` are text, `1_000_000` and `1e6` are numbers.",
        "## Run { #run }",
        _meaning(schema),
        _key_table(schema, schema["$defs"]),
    ]
    for name, section in sections.items():
        text += [f"## {_words(name)} {{ #{name.lower()} }}", _meaning(section), _key_table(section, schema["$defs"])]
    return "\n\n".join(text) + "\n"


def strategies() -> str:
    """Describe the strategies that come with the product."""
    from marketsim.config.schema import run_schema

    schema = run_schema()
    text = [
        "# Strategies",
        "Each is a `kind` below `strategy:` or below an agent's `strategy:`. For one of your own see "
        "[write a strategy](../how-to/write-a-strategy.md).",
    ]
    for name in _strategy_names(schema):
        section = schema["$defs"][name]
        kind = section["properties"]["kind"].get("const", "package.module:Class")
        text += [f"## {kind}", _meaning(section), _key_table(section, schema["$defs"])]
    return "\n\n".join(text) + "\n"


def agents() -> str:
    """Describe the kinds of agents of simulated markets, room by room."""
    from inspect import getdoc, getmodule
    from itertools import groupby

    from marketsim.agents.kinds import agent_of, kinds

    text = [
        "# Agents of simulated markets",
        "Each is a `kind` of a group below `market.population` (see [the simulated market](../concepts/simulated-market.md)); its "
        "parameters stand under `parameters`, or under `vary` where every agent draws its own.",
    ]
    for room, members in groupby(sorted(kinds().items(), key=lambda item: item[1]), key=lambda item: item[1].split(".")[2]):
        text.append(f"## {room.replace('_', ' ').capitalize()}")
        for kind, _ in members:
            agent = agent_of(kind)
            schema = agent.params.model_json_schema()
            schema["properties"].pop("kind")
            text += [f"### {kind}", getdoc(getmodule(agent.step)) or "", _key_table(schema, schema.get("$defs", {}))]
    return "\n\n".join(text) + "\n"


def _strategy_names(schema: dict[str, Any]) -> list[str]:
    return [_target(option) for option in schema["properties"]["strategy"]["oneOf"]]


def _target(entry: dict[str, Any]) -> str:
    """Return the name of the section that an entry refers to, or nothing."""
    options = [entry, *entry.get("anyOf", ()), *entry.get("allOf", ())]
    return next((option["$ref"].rpartition("/")[2] for option in options if "$ref" in option), "")


def _meaning(section: dict[str, Any]) -> str:
    return " ".join(section.get("description", "").split())


def _key_table(section: dict[str, Any], definitions: dict[str, Any]) -> str:
    required = section.get("required", ())
    rows = (
        (
            f"`{key}`",
            _type(entry),
            "required" if key in required else _default(entry),
            entry.get("description") or _meaning(definitions.get(_target(entry), {})) or NAMED_BY_ITSELF.get(key, ""),
        )
        for key, entry in section["properties"].items()
    )
    return _table(("key", "value", "default", "meaning"), rows)


def _default(entry: dict[str, Any]) -> str:
    value = entry.get("default")
    if value is None:
        return "none" if "default" in entry or "anyOf" in entry else "see there"
    if isinstance(value, dict | list):
        return "see there" if value else "empty"
    return f"`{_number(value) if isinstance(value, int | float) else value}`"


def _number(value: float) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f"{int(value):_}" if value == int(value) else f"{value:g}"


def _type(entry: dict[str, Any]) -> str:
    """Say in words what a JSON Schema entry allows."""
    if "const" in entry:
        return f"`{entry['const']}`"
    if "enum" in entry:
        return ", ".join(f"`{value}`" for value in entry["enum"])
    if "$ref" in entry:
        name = entry["$ref"].rpartition("/")[2]
        return f"[{_words(name)}](configuration.md#{name.lower()})"
    options = entry.get("oneOf") or [option for option in entry.get("anyOf", ()) if option.get("type") != "null"]
    if any("Params" in option.get("$ref", "") for option in options):
        return "[a strategy](strategies.md)"
    if options:
        return " or ".join(_type(option) for option in options)
    if entry.get("type") == "array":
        return f"list of {_type(entry.get('items', {}))}"
    names = {"string": "text", "boolean": "`true` or `false`", "integer": "whole number", "number": "number", "object": "mapping"}
    name = "date" if entry.get("format") == "date" else names.get(entry.get("type", ""), "any value")
    bounds = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}
    limits = [f"{sign} {_number(entry[key])}" for key, sign in bounds.items() if key in entry]
    return f"{name} {', '.join(limits)}".strip()


def _words(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).capitalize()


# --- the command line -----------------------------------------------------------------------------------------------


def command_line() -> str:
    """Describe every command with its help as printed."""
    from marketsim.cli import main

    text = [
        "# Command line",
        "Each command prints this with `--help`. `--json`, where a command has it, prints one object for programs. Errors are one sentence "
        "on standard error, and the exit code says of what kind:",
        _table(("exit code", "meaning"), _exit_codes()),
    ]
    for path, command in _commands("marketsim", main):
        context = _context(path, command)
        text += [f"## {path}" if path.count(" ") < 2 else f"### {path}", f"```text\n{command.get_help(context)}\n```"]
    return "\n\n".join(text) + "\n"


def _exit_codes() -> list[tuple[str, str]]:
    from marketsim import errors
    from marketsim.cli.failures import UNEXPECTED

    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.MarketsimError)]
    own = [kind for kind in kinds if "exit_code" in vars(kind) and kind is not errors.MarketsimError]
    rows = [(kind.exit_code, str(kind.__doc__).splitlines()[0].partition(";")[0].rstrip(".") + ".") for kind in own]
    others = [
        (0, "Done."),
        (1, "The answer is no: two runs differ, or a warehouse is not whole."),
        (UNEXPECTED, "An error nobody foresaw."),
    ]
    return [(f"`{code}`", meaning) for code, meaning in sorted([*others, *rows])]


def _context(path: str, command: click.Command) -> click.Context:
    import click

    return click.Context(command, info_name=path, max_content_width=100, terminal_width=100)


def _commands(path: str, command: click.Command) -> Iterator[tuple[str, click.Command]]:
    import click

    yield path, command
    if isinstance(command, click.Group):
        context = _context(path, command)
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            if found is not None:
                yield from _commands(f"{path} {name}", found)


# --- the warehouse and its interfaces -------------------------------------------------------------------------------


def tables() -> str:
    """Describe every table and view of the warehouse."""
    from warehouse.schemas import TABLES

    text = [
        "# Tables and views",
        "Units are part of the names: `_cash` is currency, `_frac` a fraction, `_bps` basis points, `_shares` shares, `_utc` a time in "
        "UTC. Every table also has the column `run_id`. *Small* tables lie in the catalog itself and answer in milliseconds.",
    ]
    for table in TABLES.values():
        rows = [("`run_id`", "string", "run the row belongs to")]
        rows += [(f"`{c.name}`", str(c.type), c.meaning + (" (may be null)" if c.nullable else "")) for c in table.columns]
        text += [
            f"## {table.name}",
            f"{'Small table' if table.small else 'Table'}: {table.grain}.",
            _table(("column", "type", "meaning"), rows),
        ]
    text.append("# Views")
    for path in sorted((PROJECT / "warehouse" / "views").glob("*.sql")):
        sql = path.read_text(encoding="utf-8")
        comment = " ".join(line.removeprefix("--").strip() for line in takewhile(lambda line: line.startswith("--"), sql.splitlines()))
        text += [f"## {path.stem}", comment, f"```sql\n{sql.strip()}\n```"]
    return "\n\n".join(text) + "\n"


def metrics() -> str:
    """Describe every measure with formula and source."""
    from marketsim.risk.measures_of_markets import market_metrics_reference
    from marketsim.risk.metrics import metrics_reference

    return (
        "# Metrics\n\nThe rows of table `metrics`, one an account and measure. A measure that is not defined — a Sharpe ratio of one bar, "
        "a win rate without a trade — is null, never zero.\n\n" + metrics_reference() + market_metrics_reference()
    )


def http_api() -> str:
    """Describe every route of the HTTP API."""
    from marketsim.api.app import create_app

    document = create_app().openapi()
    text = [
        "# HTTP API",
        "`make serve` starts it; `/docs` in a browser tries it out, `/openapi.json` is the whole description. It reads the warehouse and "
        "never writes to it.",
    ]
    for route, methods in document["paths"].items():
        for method, operation in methods.items():
            rows = [
                (f"`{p['name']}`", p["in"], _type(p["schema"]), p.get("description", p["schema"].get("description", "")))
                for p in operation.get("parameters", ())
            ]
            text += [f"## {method.upper()} {route}", operation.get("description") or operation.get("summary", "")]
            text += [_table(("parameter", "where", "value", "meaning"), rows)] if rows else []
            text.append(_table(("answer", "meaning"), ((code, answer["description"]) for code, answer in operation["responses"].items())))
    return "\n\n".join(text) + "\n"


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *(tuple(cell.replace("|", "\\|").replace("\n", " ") for cell in row) for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
