"""Faults of holdings files and of users' own strategies: each names the file and row, or the class and what is wrong with it."""

import importlib
import sys

import pytest

from tests.faults.conftest import Laboratory

HOLDINGS = "date,symbol,weight\n2012-01-31,AAPL,0.5\n2012-02-29,AAPL,0.25\n"
CONFIG = "name: tiny\nsymbols: [AAPL]\nstart: 2012-01-03\nend: 2012-06-29\nstrategy: %s\n"
FUND = CONFIG % "{kind: target_weights, holdings_file: fund.csv}"

FILES: dict[str, tuple[str | bytes, str]] = {
    "an empty file": ("", r"fund\.csv: holds no rows; expected the columns date, symbol, weight"),
    "only a header": ("date,symbol,weight\n", r"fund\.csv: holds no rows"),
    "no header": (HOLDINGS.partition("\n")[2], r"fund\.csv.* expected .*date.*symbol.*weight"),
    "no date": ("symbol,weight\nAAPL,0.5\n", r"fund\.csv.*expected .*date"),
    "no symbol": ("date,weight\n2012-01-31,0.5\n", r"fund\.csv.*expected .*symbol"),
    "no weight": ("date,symbol\n2012-01-31,AAPL\n", r"fund\.csv.*expected .*weight"),
    "semicolons": (HOLDINGS.replace(",", ";"), r"fund\.csv.*expected .*date"),
    "a word for a weight": (HOLDINGS.replace("0.25", "much"), r"fund\.csv, line 3: .*weight"),
    "a percent sign": (HOLDINGS.replace("0.25", "25%"), r"fund\.csv, line 3: .*weight"),
    "no number at all": (HOLDINGS.replace("0.25", "nan"), r"fund\.csv, line 3: weight of AAPL is nan, expected a finite"),
    "an infinite weight": (HOLDINGS.replace("0.25", "inf"), r"fund\.csv, line 3: weight of AAPL is inf, expected a finite"),
    "an American date": (HOLDINGS.replace("2012-02-29", "02/29/2012"), r"fund\.csv, line 3: expected date \(YYYY-MM-DD\)"),
    "a 30th of February": (HOLDINGS.replace("2012-02-29", "2012-02-30"), r"fund\.csv, line 3: expected date \(YYYY-MM-DD\)"),
    "a row cut off": (HOLDINGS[:-8], r"fund\.csv, line 3: expected date"),
    "binary junk": (bytes(range(256)), r"fund\.csv"),
    "utf-16": (HOLDINGS.encode("utf-16"), r"fund\.csv"),
    "null bytes": (b"\x00" * 300, r"fund\.csv"),
}


@pytest.mark.parametrize(("content", "says"), FILES.values(), ids=FILES)
def test_a_holdings_file_that_cannot_be_used_is_refused(laboratory: Laboratory, content: str | bytes, says: str) -> None:
    laboratory.write("fund.csv", content)
    laboratory.run(FUND).must_say(says)


def test_a_holdings_file_that_is_not_there_is_named(laboratory: Laboratory) -> None:
    laboratory.run(FUND).must_say(r"fund\.csv: .*(cannot be read|no such file).*relative paths start at the config file's folder")


IMPORT = "from marketsim.agents.strategy import Strategy\n\n"
OWN = IMPORT + "class Mine(Strategy):\n    def on_wake(self, market):\n        %s\n"

MODULES = {
    "a syntax error": ("class Mine(:\n", r"own_module:Mine.*(syntax|line 1)"),
    "an error while it is imported": ("1 / 0\n", r"own_module:Mine.*division by zero"),
    "an import that fails": ("import no_such_thing\n", r"own_module:Mine.*No module named 'no_such_thing'"),
    "no such class": ("class Yours: ...\n", r"own_module:Mine.*no class Mine; check the spelling"),
    "a class of another kind": ("class Mine: ...\n", r"own_module:Mine: is not a subclass of marketsim\.agents\.strategy\.Strategy"),
    "a function": ("def Mine(): ...\n", r"own_module:Mine: is not a subclass"),
    "no on_wake": (IMPORT + "class Mine(Strategy): ...\n", r"own_module:Mine.*on_wake"),
    "an error while it is built": (
        IMPORT + "class Mine(Strategy):\n    def __init__(self, params):\n        raise KeyError('x')\n"
        "    def on_wake(self, market): ...\n",
        r"own_module:Mine.*'x'",
    ),
    "an error while it trades": (OWN % "return 1 / 0", r"strategy.*division by zero"),
    "a word for orders": (OWN % "return 'buy'", r"strategy"),
    "a number for orders": (OWN % "return 5", r"strategy"),
    "an order for nothing known": (OWN % "return [('AAPL', 5)]", r"strategy"),
}


@pytest.mark.parametrize(("source", "says"), MODULES.values(), ids=MODULES)
def test_a_strategy_that_cannot_trade_is_named(laboratory: Laboratory, monkeypatch: pytest.MonkeyPatch, source: str, says: str) -> None:
    laboratory.write("own_module.py", source)
    importlib.invalidate_caches()
    monkeypatch.delitem(sys.modules, "own_module", raising=False)
    laboratory.run(CONFIG % "{kind: 'own_module:Mine'}").must_say(says)
    sys.modules.pop("own_module", None)


@pytest.mark.parametrize(
    ("strategy", "says"),
    [
        ("{kind: 'no_such_module:Mine'}", r"strategy no_such_module:Mine: No module named 'no_such_module'|no module no_such_module"),
        ("{kind: 'own module:Mine'}", r"line 5: 'strategy\.kind' is \"own module:Mine\"; expected"),
        ("{kind: 'own_module:'}", r"line 5: 'strategy\.kind' is \"own_module:\"; expected"),
        ("{kind: ':Mine'}", r"line 5: 'strategy\.kind' is \":Mine\"; expected"),
        ("{kind: '../own:Mine'}", r"line 5: 'strategy\.kind' is \"\.\./own:Mine\"; expected"),
        ("{kind: 'os:system'}", r"strategy os:system: is not a subclass"),
        ("{kind: 'marketsim.agents.strategy:Strategy'}", r"strategy marketsim\.agents\.strategy:Strategy.*on_wake"),
        (
            "{kind: 'marketsim.agents.strategies.buy_and_hold:BuyAndHold', params: {wieght: 1}}",
            r"strategy marketsim\.agents\.strategies\.buy_and_hold:BuyAndHold.*wieght",
        ),
        (
            "{kind: 'marketsim.agents.strategies.buy_and_hold:BuyAndHold', params: {weight: -1}}",
            r"strategy marketsim\.agents\.strategies\.buy_and_hold:BuyAndHold.*weight",
        ),
        ("{kind: target_weights}", r"line 5: strategy\.weights: give either weights or holdings_file"),
        (
            "{kind: target_weights, weights: {AAPL: 1}, holdings_file: x.csv}",
            r"line 5: strategy\.weights: give either weights or holdings_file",
        ),
        ("{kind: target_weights, weights: {AAPL: .nan}}", r"'strategy\.weights\.AAPL' is NaN; expected a finite number"),
        ("{kind: target_weights, weights: [AAPL]}", r"'strategy\.weights' is a list; expected a section"),
        ("{kind: sma_crossover, fast: 50, slow: 20}", r"line 5: strategy\.fast: 50 must be smaller than slow: 20"),
        ("{kind: ema_mean_reversion, entry_z: 0.1, exit_z: 2}", r"line 5: strategy\.(entry_z|exit_z)"),
    ],
)
def test_a_strategy_that_cannot_be_built_is_named(laboratory: Laboratory, strategy: str, says: str) -> None:
    laboratory.run(CONFIG % strategy).must_say(says)
