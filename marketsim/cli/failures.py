"""How the command line ends when something goes wrong: whole sentences on stderr, an exit code, never a traceback."""

from __future__ import annotations

import errno
import json
import os
from typing import Any, Never

import click

from marketsim.errors import MarketsimError

INTERRUPTED = 130  # 128 + SIGINT, as shells report it
UNEXPECTED = 70  # EX_SOFTWARE of sysexits.h
_JSON = "marketsim.json"


def _remember_json(ctx: click.Context, _: click.Parameter, value: bool) -> bool:
    ctx.meta[_JSON] = value
    return value


json_option = click.option(
    "--json",
    "as_json",
    is_flag=True,
    is_eager=True,
    callback=_remember_json,
    help="Print one machine-readable object instead of a table.",
)


class Guarded(click.Group):
    """A group of commands whose errors end as sentences; its help lists them in the order they were added."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands' names."""
        return list(self.commands)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; turn what it raises into sentences and an exit code."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            _end(ctx, "interrupted; what is published is whole, and the same command begins again where it can.", INTERRUPTED)
        except click.ClickException as error:
            if ctx.meta.get(_JSON):
                _print_object(error.format_message(), error.exit_code)
            raise
        except (click.exceptions.Exit, click.Abort):
            raise
        except Exception as error:
            if isinstance(error, OSError) and error.errno == errno.EPIPE:
                raise  # Click ends quietly when the reader of a pipe has gone
            _end(ctx, *explained(error))


def explained(error: Exception) -> tuple[str, int]:
    """Return the sentences and the exit code for an error; with ``MARKETSIM_DEBUG`` set, an unexpected one is raised again."""
    if isinstance(error, MarketsimError):
        return str(error), error.exit_code
    from warehouse.errors import WarehouseError  # brings DuckDB along, which most errors do without

    if isinstance(error, WarehouseError):
        return str(error), error.exit_code
    if os.environ.get("MARKETSIM_DEBUG"):
        raise error
    reason = " ".join(str(error).split()) or "no further reason given"
    return f"unexpected {type(error).__name__}: {reason}; set MARKETSIM_DEBUG=1 for the traceback.", UNEXPECTED


def printable(text: str) -> str:
    """Return the text with control characters and broken Unicode escaped, so that no file name or cell can drive the terminal."""
    return "".join(c if c.isprintable() or c == "\n" else c.encode("unicode_escape").decode() for c in text)


def _end(ctx: click.Context, sentences: str, exit_code: int) -> Never:
    for line in printable(sentences).splitlines():
        click.echo(f"error: {line}", err=True)
    if ctx.meta.get(_JSON):
        _print_object(sentences, exit_code)
    ctx.exit(exit_code)


def _print_object(sentences: str, exit_code: int) -> None:
    click.echo(json.dumps({"status": "error", "error": sentences, "exit_code": exit_code}))
