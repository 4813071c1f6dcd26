"""Looking at run descriptions without running them: check, show, schema, and the strategies they may name."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from marketsim.cli.failures import explained, json_option, printable
from marketsim.cli.output import print_object
from marketsim.errors import MarketsimError

if TYPE_CHECKING:
    pass

set_option = click.option(
    "--set", "settings", multiple=True, metavar="KEY=VALUE", help="Lay a value over the file, e.g. strategy.fast=10; may be repeated."
)


def overrides(settings: tuple[str, ...]) -> dict[str, Any]:
    """Return what ``--set`` asks for, dotted key → value."""
    from marketsim.config.file import parse_override

    return dict(parse_override(setting) for setting in settings)


@click.group()
def config() -> None:
    """Check and show run descriptions (YAML files)."""


@config.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@json_option
def check(files: tuple[Path, ...], as_json: bool) -> None:
    """Check run descriptions: one line for each, OK with its digest, or what is wrong and where."""
    from marketsim.config.file import load_runnable

    results: list[dict[str, Any]] = []
    worst = 0
    for path in files:
        try:
            spec = load_runnable(path)
        except MarketsimError as error:
            sentences, exit_code = explained(error)
            worst = max(worst, exit_code)
            results.append({"file": str(path), "status": "error", "error": sentences})
            for line in printable(sentences).splitlines():
                click.echo(f"error: {line}", err=True)
        else:
            results.append({"file": str(path), "status": "ok", "name": spec.name, "digest": spec.digest})
            if not as_json:
                click.echo(f"{printable(str(path))}: OK  {spec.name}  digest {spec.digest[:12]}")
    if as_json:
        print_object({"status": "error" if worst else "ok", "files": results})
    click.get_current_context().exit(worst)


@config.command()
@click.argument("file", type=click.Path(path_type=Path))
@set_option
@json_option
def show(file: Path, settings: tuple[str, ...], as_json: bool) -> None:
    """Print a run description with every default filled in."""
    import yaml

    from marketsim.config.file import load_spec

    resolved = load_spec(file, overrides(settings)).model_dump(mode="json")
    if as_json:
        print_object(resolved)
    else:
        click.echo(yaml.safe_dump(resolved, sort_keys=False, allow_unicode=True, default_flow_style=None, width=110), nl=False)


@config.command()
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), help="File to write; left out = standard output.")
def schema(output: Path | None) -> None:
    """Print the JSON Schema of run descriptions; editors complete and check with it."""
    from marketsim.config.schema import schema_text

    if output is None:
        click.echo(schema_text(), nl=False)
        return
    try:
        output.write_text(schema_text(), encoding="utf-8")
    except OSError as error:
        raise MarketsimError(f"{output}: cannot be written ({error.strerror}); choose another place.") from error
    click.echo(f"{output}: written")


@click.command(short_help="List the built-in strategies.")
@json_option
def strategies(as_json: bool) -> None:
    """List the strategies that come with the product, and their parameters."""
    from marketsim.config.schema import strategy_schemas

    found = strategy_schemas()
    if as_json:
        print_object({kind: {"description": text, "parameters": parameters} for kind, text, parameters in found})
        return
    for kind, text, parameters in found:
        click.echo(f"{click.style(kind, bold=True)}  {text}")
        width = max(len(name) for name in parameters)
        for name, parameter in parameters.items():
            default = "required" if parameter["required"] else f"default {_shown(parameter['default'])}"
            click.echo(f"    {name:<{width}}  {parameter['type']}, {default} — {parameter['description']}")
        click.echo()
    click.echo("Your own: `kind: package.module:Class`, a subclass of marketsim.agents.strategy.Strategy, with its `params`.")


def _shown(value: Any) -> str:
    if value is None:
        return "none"
    return str(value).lower() if isinstance(value, bool) else str(value)
