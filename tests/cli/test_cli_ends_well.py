"""How the command line starts and ends: help, versions, errors, signals and pipes."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from marketsim.cli import main
from marketsim.cli.failures import Guarded, json_option, printable

ROOT = Path(__file__).parents[2]
HEAVY = {"numpy", "pyarrow", "duckdb", "pydantic", "yaml", "rich", "fastapi", "prefect", "pandas", "great_expectations", "numba"}
MARKETSIM = [sys.executable, "-c", "from marketsim.cli import main; main()"]


def commands(group: click.Group, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = [path]
    for name, command in group.commands.items():
        found += commands(command, (*path, name)) if isinstance(command, click.Group) else [(*path, name)]
    return found


@pytest.mark.parametrize("path", commands(main), ids=" ".join)
def test_every_command_explains_itself_without_importing_what_it_needs(path: tuple[str, ...]) -> None:
    script = (
        "import sys\n"
        "from marketsim.cli import main\n"
        f"main({[*path, '--help']!r}, standalone_mode=False)\n"
        f"print(sorted({HEAVY!r} & set(sys.modules)), file=sys.stderr)\n"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, check=True)
    assert result.stdout.startswith("Usage: ")
    assert result.stderr.strip() == "[]"


def test_the_version_is_the_packages() -> None:
    import marketsim

    assert CliRunner().invoke(main, ["--version"]).output == f"marketsim, version {marketsim.__version__}\n"


@pytest.fixture
def failing() -> click.Group:
    @click.group(cls=Guarded)
    def group() -> None:
        pass

    @group.command()
    @click.argument("what")
    @json_option
    def fail(what: str, as_json: bool) -> None:
        from marketsim.errors import StrategyError
        from warehouse.errors import WarehouseError

        errors = {
            "ours": StrategyError("first sentence.\nsecond sentence."),
            "store": WarehouseError("the disk is full."),
            "theirs": ZeroDivisionError("division by zero"),
            "escape": StrategyError("name \x1b[31m is odd."),
            "key": KeyboardInterrupt(),
        }
        raise errors[what]

    return group


@pytest.mark.parametrize(
    ("what", "exit_code", "stderr"),
    [
        ("ours", 5, "error: first sentence.\nerror: second sentence.\n"),
        ("store", 6, "error: the disk is full.\n"),
        ("theirs", 70, "error: unexpected ZeroDivisionError: division by zero; set MARKETSIM_DEBUG=1 for the traceback.\n"),
        ("escape", 5, "error: name \\x1b[31m is odd.\n"),
        ("key", 130, "error: interrupted; what is published is whole, and the same command begins again where it can.\n"),
    ],
)
def test_an_error_ends_as_sentences_and_an_exit_code(failing: click.Group, what: str, exit_code: int, stderr: str) -> None:
    result = CliRunner().invoke(failing, ["fail", what])
    assert (result.exit_code, result.stdout, result.stderr) == (exit_code, "", stderr)
    answer = json.loads(CliRunner().invoke(failing, ["fail", what, "--json"]).stdout)
    assert (answer["status"], answer["exit_code"]) == ("error", exit_code)


def test_a_traceback_is_there_for_who_asks(failing: click.Group, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MARKETSIM_DEBUG", "1")
    assert isinstance(CliRunner().invoke(failing, ["fail", "theirs"]).exception, ZeroDivisionError)


@pytest.mark.parametrize(
    ("arguments", "says"), [(["rnu"], "run"), (["sql"], "QUERY"), (["runs", "--limt", "3"], "--limit"), (["runs", "--limit", "0"], "x>=1")]
)
def test_a_slip_on_the_command_line_is_answered_with_what_was_meant(arguments: list[str], says: str) -> None:
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 2
    assert says in result.stderr


def test_text_for_the_terminal_is_harmless() -> None:
    assert printable("a\x1b[2J\x07\ud800é\nb") == "a\\x1b[2J\\x07\\ud800é\nb"


def test_a_reader_that_leaves_the_pipe_is_met_with_silence(tmp_path: Path) -> None:
    environment = {**os.environ, "MARKETSIM_WAREHOUSE": str(tmp_path)}
    command = [*MARKETSIM, "sql", "SELECT range AS n, repeat('x', 100) AS text FROM range(100000)", "--csv"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT, env=environment)
    assert process.stdout is not None
    assert process.stderr is not None
    assert process.stdout.readline() == b"n,text\n"
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    process.wait(timeout=30)


def test_serving_ends_with_ctrl_c_and_says_when_the_port_is_taken(tmp_path: Path) -> None:
    environment = {**os.environ, "MARKETSIM_WAREHOUSE": str(tmp_path)}
    serving = subprocess.Popen([*MARKETSIM, "serve", "--port", "0"], stderr=subprocess.PIPE, text=True, cwd=ROOT, env=environment)
    try:
        assert serving.stderr is not None
        line = serving.stderr.readline()
        address = line.partition(" on ")[2].split()[0]
        port = address.rpartition(":")[2]
        second = subprocess.run(
            [*MARKETSIM, "serve", "--port", port], capture_output=True, text=True, cwd=ROOT, env=environment, check=False
        )
        assert second.returncode == 1
        assert (
            second.stderr
            == f"error: Cannot listen on 127.0.0.1 port {port} (Address already in use); choose another with --host or --port.\n"
        )
        import httpx

        for _ in range(200):
            try:
                assert httpx.get(f"{address}/health").json()["status"] == "ok"
                break
            except httpx.TransportError:
                time.sleep(0.05)
        else:
            pytest.fail("the server never answered")
    finally:
        serving.send_signal(signal.SIGINT)
        _, rest = serving.communicate(timeout=20)
    assert "Traceback" not in rest
