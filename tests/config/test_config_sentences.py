"""Each fault of a run description is one sentence that names file, line, key, what was found and what was expected."""

from pathlib import Path

import pytest

from marketsim.config.file import load_spec, parse_override
from marketsim.errors import ConfigError

GOOD = """\
name: tiny
symbols: [AAPL, MSFT]
start: 2020-01-02
strategy: {kind: sma_crossover, fast: 20, slow: 50}
"""


def refusal(folder: Path, text: str, **overrides: object) -> str:
    path = folder / "run.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_spec(path, {key.replace("__", "."): value for key, value in overrides.items()})
    return str(caught.value).replace(f"{folder}/", "")


@pytest.mark.parametrize(
    ("added", "expected"),
    [
        ("sede: 1", "run.yaml, line 5: unknown key 'sede'; did you mean 'seed'?"),
        ("seed: true", "run.yaml, line 5: 'seed' is true; expected a whole number (The one source of randomness)."),
        ("seed: -1", "run.yaml, line 5: 'seed' is -1; expected a number of at least 0 (The one source of randomness)."),
        ("account:\n  cash: 0", "run.yaml, line 6: 'account.cash' is 0; expected a number above 0 (Starting cash, currency)."),
        ("account: 5", "run.yaml, line 5: 'account' is 5; expected a section of keys and values."),
        ("account:\n  zzz: 5", "run.yaml, line 6: unknown key 'account.zzz'; allowed here: allow_short, borrow_rate_bps, cash, currency,"),
        ("mode: backtset", "run.yaml, line 5: 'mode' is \"backtset\"; did you mean 'backtest'? expected one of backtest, live, realtime"),
        ("mode: live", "run.yaml, line 5: mode: live is not available in this version; use mode: backtest."),
        (
            "market: {kind: replai}",
            "run.yaml, line 5: 'market' has kind \"replai\"; did you mean 'replay'? allowed kinds: bars, replay, simulated.",
        ),
        (
            "market: {kind: replay}",
            "run.yaml, line 5: market.kind: replay plays the flow within the day, not daily bars; use horizon: intraday.",
        ),
        ("end: 2019-12-31", "run.yaml, line 5: end: 2019-12-31 lies before start 2020-01-02; swap them or move one."),
        ("end: 20201231", "run.yaml, line 5: 'end' is 20201231; expected a date such as 2020-01-31"),
        ("benchmark: 700", "run.yaml, line 5: 'benchmark' is 700; expected text; put it in quotes"),
        ("benchmark: spy", "run.yaml, line 5: 'benchmark' is \"spy\"; expected a ticker in capitals such as AAPL"),
        (
            "providers: [{kind: smaple}]",
            "run.yaml, line 5: 'providers.0' has kind \"smaple\"; did you mean 'sample'? allowed kinds: sample, file,",
        ),
        ("providers:\n  - kind: file", "run.yaml, line 6: key 'providers.0.path' is missing; add it (File, or a pattern with {symbol};"),
        (
            "agents: [{name: a, strategy: {kind: sma_crossover, fsat: 1}}]",
            "run.yaml, line 5: unknown key 'agents.0.strategy.fsat'; did you mean 'fast'?",
        ),
        (
            "sweep: {parameters: {strategy.fsat: [1]}}",
            "run.yaml, line 5: sweep.parameters: unknown key 'strategy.fsat'; did you mean 'fast'?",
        ),
        (
            "sweep: {parameters: {strategy.fast: [a]}}",
            "run.yaml, line 5: sweep.parameters: 'strategy.fast' is \"a\"; expected a whole number",
        ),
        ("fees: {minimum: .nan}", "run.yaml, line 5: 'fees.minimum' is NaN; expected a finite number"),
    ],
)
def test_a_fault_is_told_with_its_line_and_the_remedy(tmp_path: Path, added: str, expected: str) -> None:
    assert refusal(tmp_path, f"{GOOD}{added}\n").startswith(expected)


def test_several_faults_are_told_at_once_in_the_order_of_the_specification(tmp_path: Path) -> None:
    assert refusal(tmp_path, f"{GOOD}seed: x\nfoo: 1\nslippage_bps: -1\n").splitlines() == [
        "run.yaml, line 7: 'slippage_bps' is -1; expected a number of at least 0 (Adverse price move on every taker's fill, bps).",
        "run.yaml, line 5: 'seed' is \"x\"; expected a whole number (The one source of randomness).",
        "run.yaml, line 6: unknown key 'foo'; allowed here: account, agents, benchmark, calendar, dealer, end, fees, horizon, interval, "
        "market, max_ticks, mode, name, providers, report, seed, simulated_sessions, "
        "slippage_bps, start, strategy, sweep, symbols, validation, walk_forward.",
    ]


def test_what_was_set_from_outside_is_blamed_on_the_override_not_on_a_line(tmp_path: Path) -> None:
    expected = "run.yaml, override strategy.fast: strategy.fast: 60 must be smaller than slow: 50."
    assert refusal(tmp_path, GOOD, strategy__fast=60) == expected


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("symbols__2", "run.yaml: override symbols.2 needs a list position from 0 to 1 where it says '2'."),
        ("agents__0__name", "run.yaml, override agents.0.name: 'agents' is a section; expected a list"),
        ("name__first", "run.yaml: override name.first goes below a value that has no keys; name an existing section."),
        ("strategy__fsat", "run.yaml, override strategy.fsat: unknown key 'strategy.fsat'; did you mean 'fast'?"),
    ],
)
def test_an_override_that_leads_nowhere_is_refused(tmp_path: Path, key: str, expected: str) -> None:
    assert refusal(tmp_path, GOOD, **{key: 1}).startswith(expected)


def test_an_override_reaches_into_sections_and_lists(tmp_path: Path) -> None:
    (tmp_path / "run.yaml").write_text(GOOD)
    spec = load_spec(tmp_path / "run.yaml", {"symbols.1": "IBM", "account.cash": 5.0, "strategy.fast": 7})
    assert spec.symbols == ["AAPL", "IBM"]
    assert spec.account.cash == 5.0
    assert spec.strategy.fast == 7


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("strategy.fast=10", ("strategy.fast", 10)),
        ("symbols=[AAPL, MSFT]", ("symbols", ["AAPL", "MSFT"])),
        ("end=", ("end", None)),
        (" name = a=b", ("name", "a=b")),
        ("start=2020-01-02", ("start", "2020-01-02")),
    ],
)
def test_an_override_is_read_as_yaml(text: str, expected: tuple[str, object]) -> None:
    assert parse_override(text) == expected


@pytest.mark.parametrize("text", ["strategy.fast", "=5", "a=[1"])
def test_an_override_without_key_or_value_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="override"):
        parse_override(text)


def test_a_misspelt_file_name_is_answered_with_the_nearest(tmp_path: Path) -> None:
    (tmp_path / "nightly.yaml").write_text(GOOD)
    with pytest.raises(ConfigError, match=r"nigthly\.yaml: no such file; did you mean .*nightly\.yaml\?"):
        load_spec(tmp_path / "nigthly.yaml")
    with pytest.raises(ConfigError, match=r"is a folder; name one YAML file in it"):
        load_spec(tmp_path)


def test_a_byte_order_mark_is_no_fault(tmp_path: Path) -> None:
    (tmp_path / "run.yaml").write_bytes(b"\xef\xbb\xbf" + GOOD.encode())
    assert load_spec(tmp_path / "run.yaml").name == "tiny"
