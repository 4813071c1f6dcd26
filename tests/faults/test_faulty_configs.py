"""Run descriptions with every fault we could think of: each is refused in clear sentences and nothing is written."""

import copy
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from marketsim.config.schema import run_schema
from tests.faults.conftest import Laboratory

MINIMAL: dict[str, Any] = {"name": "tiny", "symbols": ["AAPL"], "start": "2012-01-03", "strategy": {"kind": "buy_and_hold"}}
WRONG_VALUE = {"string": [1], "integer": "many", "number": "much", "boolean": "maybe", "object": 3, "array": "AAPL"}
TEXT = yaml.safe_dump(MINIMAL, sort_keys=False)
SIMULATED = "name: tiny\nhorizon: intraday\nsymbols: [AAPL]\nstart: '2012-01-03'\nmarket:\n  kind: simulated\n"
REPLAY = TEXT + "market: {kind: replay}\nhorizon: intraday\nproviders: [{kind: recording, path: x}]\n"


def sections() -> Iterator[tuple[tuple[str | int, ...], dict[str, Any]]]:
    """Yield the place and the schema of every section of a run description, each kind of provider and strategy included."""
    schema = run_schema()
    yield (), schema
    for key, entry in schema["properties"].items():
        for reference in _references(entry):
            section = schema["$defs"][reference.removeprefix("#/$defs/")]
            yield (key, 0) if entry.get("type") == "array" else (key,), section
            for inner_key, inner in section["properties"].items():
                for below in () if inner_key == "strategy" else _references(inner):
                    place = (key, 0, inner_key) if entry.get("type") == "array" else (key, inner_key)
                    if inner.get("type") == "array":
                        place = (*place, 0)
                    yield place, schema["$defs"][below.removeprefix("#/$defs/")]


def _references(entry: dict[str, Any]) -> list[str]:
    options = [entry, *entry.get("anyOf", ()), *entry.get("oneOf", ()), entry.get("items", {}), *entry.get("items", {}).get("oneOf", ())]
    return [option["$ref"] for option in options if "$ref" in option]


def described(place: tuple[str | int, ...], section: dict[str, Any], key: str, value: object) -> str:
    """Return a run description that is right except for one key of one section."""
    data = copy.deepcopy(MINIMAL)
    inner: Any = {key: value}
    needed = {"path": "x.csv", "name": "other", "strategy": {"kind": "buy_and_hold"}, "parameters": {"seed": [1]}}
    for name in section.get("required", ()):
        known = section["properties"][name].get("const", "package.module:Class" if name == "kind" else needed.get(name))
        if place and name != key and known is not None:
            inner = {name: known, **inner}
    for part in reversed(place[1:]):
        inner = (
            [inner]
            if isinstance(part, int)
            else {"name": "other", "strategy": {"kind": "buy_and_hold"}, part: inner}
            if "agents" in place
            else {"kind": _market_of(str(part)), part: inner}
            if place[0] == "market"
            else {part: inner}
        )
    if place:
        data[str(place[0])] = inner
    else:
        data[key] = value
    return yaml.safe_dump(data, sort_keys=False)


def _market_of(key: str) -> str:
    """Return the kind of market that has a section."""
    definitions = run_schema()["$defs"]
    markets = {"bars": definitions["BarsMarket"], "simulated": definitions["SimulatedMarket"]}
    return next(kind for kind, market in markets.items() if key in market["properties"])


KEYS = [(place, section, key) for place, section in sections() for key in section["properties"]]
IDS = [
    f"{'.'.join(map(str, place))}.{section['properties'].get('kind', {}).get('const', '')}.{key}".strip(".") for place, section, key in KEYS
]


@pytest.mark.parametrize(("place", "section", "key"), KEYS, ids=IDS)
def test_a_misspelt_key_is_answered_with_the_right_one(
    laboratory: Laboratory, place: tuple[str | int, ...], section: dict[str, Any], key: str
) -> None:
    misspelt = f"{key[0]}{key[2:]}{key[1]}" if len(key) > 3 else f"{key}x"
    laboratory.run(described(place, section, misspelt, "x")).must_say(
        rf"run\.yaml, line \d+: unknown key '{'.'.join(map(str, [*place, misspelt])).replace('.', chr(92) + '.')}'; did you mean '{key}'\?"
        if key != "kind"
        else rf"unknown key '.*{misspelt}'|has no kind; add `kind:`"
    )


@pytest.mark.parametrize(("place", "section", "key"), KEYS, ids=IDS)
def test_a_value_of_the_wrong_type_is_told_with_its_key(
    laboratory: Laboratory, place: tuple[str | int, ...], section: dict[str, Any], key: str
) -> None:
    entry = section["properties"][key]
    kinds = [option["type"] for option in entry.get("anyOf", (entry,)) if option.get("type", "null") != "null"]
    wrong = WRONG_VALUE[kinds[0] if kinds else "object"]
    dotted = ".".join(map(str, [*place, key])) if key != "kind" else ".".join(map(str, place))
    laboratory.run(described(place, section, key, wrong)).must_say(
        rf"run\.yaml, line \d+: '{dotted}.*' (is|has)", r"expected|allowed kinds"
    )


SAYS = {
    "no file content": ("", r"run\.yaml: is empty; a run needs at least name, symbols, start and strategy"),
    "only a comment": ("# nothing\n", r"is empty"),
    "a list": ("- a\n- b\n", r"run\.yaml: holds a list, expected keys and values"),
    "one word": ("nightly", r"holds \"nightly\", expected keys and values"),
    "truncated in a list": (TEXT.replace("- AAPL", "[AAPL, MS"), r"run\.yaml, line 4: .*could not find expected ':'"),
    "truncated in a quote": (TEXT + 'end: "2012-0', r"run\.yaml, line \d+: .*quoted scalar"),
    "a tab for indentation": (TEXT + "account:\n\tcash: 5\n", r"run\.yaml, line 8: .*cannot start any token"),
    "a missing colon": (TEXT + "seed 5\n", r"run\.yaml, line \d+: .*could not find expected ':'|run\.yaml, line \d+"),
    "binary junk": (bytes(range(256)), r"run\.yaml: byte 128 is not UTF-8; save the file as UTF-8 text"),
    "null bytes": (b"name: \x00\x00", r"run\.yaml: character 6 is '\\x00', which text does not contain"),
    "utf-16": (TEXT.encode("utf-16"), r"run\.yaml: byte 0 is not UTF-8"),
    "latin-1": (TEXT.encode() + "# Zürich\n".encode("latin-1"), r"byte \d+ is not UTF-8"),
    "a BOM and an unknown key": (b"\xef\xbb\xbf" + TEXT.encode() + b"sede: 1\n", r"unknown key 'sede'; did you mean 'seed'\?"),
    "larger than any description": ("#" * 1_000_001, r"is larger than 1,000,000 bytes"),
    "deep nesting": ("a: " + "[" * 30_000, r"nested too deeply"),
    "a billion laughs": (
        "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n" + "".join(f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 10)),
        r"line 5: its aliases write out to more than 100,000 values",
    ),
    "an anchor in itself": (TEXT + "agents: &a [*a]\n", r"line 7: the anchor refers to itself"),
    "an undefined alias": (TEXT + "agents: *none\n", r"line 7: found undefined alias 'none'"),
    "a Python object": (
        TEXT + "agents: !!python/object/apply:os.system [echo]\n",
        r"line 7: the tag !!python/object/apply:os\.system is not allowed",
    ),
    "two documents": (TEXT + "---\n" + TEXT, r"line 7: expected a single document"),
    "a doubled key": (TEXT + "name: again\n", r"line 7: key 'name' stands twice \(first on line 1\); keep one"),
    "a doubled inner key": (TEXT + "account: {cash: 1, cash: 2}\n", r"line 7: key 'cash' stands twice"),
    "a list as a key": (TEXT + "? [a]\n: 1\n", r"line 7: a list or section stands where a key is expected"),
    "half a surrogate pair": (TEXT + 'benchmark: "\\ud800"\n', r"line 7: .*half of a two-part character"),
    "an escape sequence as a key": (TEXT + '"\\e[31mred": 1\n', r"unknown key '\\u001b\[31mred'"),
    "no name": (TEXT.replace("name: tiny\n", ""), r"run\.yaml: key 'name' is missing; add it"),
    "no symbols": (TEXT.replace("symbols:\n- AAPL\n", ""), r"key 'symbols' is missing; add it \(What is traded\)"),
    "no start": (TEXT.replace("start: '2012-01-03'\n", ""), r"key 'start' is missing; add it \(First session, included\)"),
    "no strategy": (TEXT.split("strategy")[0], r"strategy: is missing; add it, only market kind simulated runs without"),
    "an empty list of symbols": (
        TEXT.replace("symbols:\n- AAPL", "symbols: []"),
        r"line 2: 'symbols' is a list; expected at least 1 entry",
    ),
    "symbols not in a list": (TEXT.replace("symbols:\n- AAPL", "symbols: AAPL"), r"line 2: 'symbols' is \"AAPL\"; expected a list"),
    "a doubled symbol": (TEXT.replace("- AAPL", "- AAPL\n- AAPL"), r"line 2: symbols: AAPL listed more than once; list each symbol once"),
    "a symbol in lower case": (TEXT.replace("AAPL", "aapl"), r"line 3: 'symbols\.0' is \"aapl\"; expected a ticker in capitals"),
    "a symbol that is a number": (TEXT.replace("AAPL", "700"), r"line 3: 'symbols\.0' is 700; expected text; put it in quotes"),
    "a symbol that is a path": (TEXT.replace("AAPL", "../AAPL"), r"line 3: 'symbols\.0' is \"\.\./AAPL\"; expected a ticker"),
    "a very long symbol": (TEXT.replace("AAPL", "A" * 3000), r"line 3: 'symbols\.0' is \"A+\.\.\.; expected a ticker"),
    "dates the wrong way round": (TEXT + "end: 2011-01-03\n", r"line 7: end: 2011-01-03 lies before start 2012-01-03; swap them"),
    "a 31st of February": (TEXT + "end: 2012-02-31\n", r"line 7: 'end' is \"2012-02-31\"; expected a date such as 2020-01-31"),
    "an American date": (TEXT + "end: 12/31/2012\n", r"line 7: 'end' is \"12/31/2012\"; expected a date"),
    "a date without dashes": (TEXT + "end: 20121231\n", r"line 7: 'end' is 20121231; expected a date"),
    "a date with a time": (TEXT + "end: 2012-12-31 16:00\n", r"line 7: 'end' is \"2012-12-31 16:00\"; expected a date"),
    "a date far away": (TEXT + "end: 12012-12-31\n", r"line 7: 'end' is \"12012-12-31\"; expected a date"),
    "an empty start": (TEXT.replace("'2012-01-03'", ""), r"'start' is empty; expected a date"),
    "the wrong interval": (TEXT + "interval: 5m\n", r"line 7: interval: 5m does not fit horizon daily; use 1d or horizon: intraday"),
    "daily bars in an intraday run": (TEXT + "horizon: intraday\ninterval: 1d\n", r"interval: 1d does not fit horizon intraday"),
    "an unknown interval": (TEXT + "interval: 2m\n", r"line 7: 'interval' is \"2m\"; .*expected one of 1d, 1m, 5m, 15m, 30m, 1h"),
    "an unknown horizon": (TEXT + "horizon: dialy\n", r"'horizon' is \"dialy\"; did you mean 'daily'\? expected one of daily, intraday"),
    "mode live": (TEXT + "mode: live\n", r"line 7: mode: live is not available in this version; use mode: backtest"),
    "mode realtime": (TEXT + "mode: realtime\n", r"mode: realtime is not available in this version"),
    "a replay of daily bars": (
        TEXT + "market: {kind: replay}\n",
        r"line 7: market\.kind: replay plays the flow within the day, not daily bars; use horizon: intraday\.",
    ),
    "a replay of nothing": (
        TEXT + "market: {kind: replay}\nhorizon: intraday\n",
        r"line 7: market\.kind: replay needs a recording among the providers; add \{kind: recording, path: …\} to them\.",
    ),
    "slippage in a replay": (REPLAY + "slippage_bps: 2\n", r"line 10: slippage_bps: 2 does not apply in market kind replay, where orders"),
    "a dealer in a replay": (
        REPLAY + "dealer: {half_spread_bps: 0.5}\n",
        r"line 10: dealer\.half_spread_bps: 0\.5 does not apply in market kind re",
    ),
    "interest in a replay": (
        REPLAY + "account: {borrow_rate_bps: 50}\n",
        r"account\.borrow_rate_bps: 50 does not apply in market kind replay",
    ),
    "interest of an agent in a replay": (
        REPLAY + "agents: [{name: a, strategy: {kind: buy_and_hold}, account: {borrow_rate_bps: 50}}]\n",
        r"line 10: agents\.0\.account\.borrow_rate_bps: 50 does not apply in market kind replay, where recordings are too short",
    ),
    "impact in a replay": (
        REPLAY.replace("replay}", "replay, impact: {coefficient: 1}}"),
        r"line 7: unknown key 'market\.impact'; allowed here",
    ),
    "a cap in a replay": (REPLAY.replace("replay}", "replay, participation_cap: 0.1}"), r"unknown key 'market\.participation_cap'; allow"),
    "actions in a replay": (
        REPLAY.replace("replay}", "replay, actions: ignore}"),
        r"unknown key 'market\.actions'; allowed here: data_late",
    ),
    "an order from the future": (REPLAY.replace("replay}", "replay, order_latency_ns: -1}"), r"'market\.order_latency_ns' is -1; expected"),
    "a recording of an unknown format": (REPLAY.replace("path: x", "path: x, format: lobstr"), r"'providers\.0\.format' is .* 'lobster'\?"),
    "a recording without a file": (
        REPLAY.replace(", path: x", ""),
        r"line 9: key 'providers\.0\.path' is missing; add it \(File of the rec",
    ),
    "a simulated market of daily bars": (TEXT + "market: {kind: simulated}\n", r"horizon: daily does not fit this simulated market"),
    "a market without anybody": (SIMULATED, r"line 5: market\.population: is empty and there is no strategy"),
    "a preset nobody made": (SIMULATED + "  preset: rmsc5\n", r"preset: there is none named 'rmsc5'; presets: .*rmsc04"),
    "a kind of agent that is none": (
        SIMULATED + "  population: {a: {kind: noize}}\n",
        r"market\.population\.a\.kind: .*did you mean noise\?",
    ),
    "an agent's unknown parameter": (
        SIMULATED + "  population: {a: {kind: noise, parameters: {speed: 1}}}\n",
        r"market\.population\.a\.parameters: speed is unknown; parameters of this kind: .*from_s",
    ),
    "an agent's parameter out of range": (
        SIMULATED + "  population: {a: {kind: poisson_noise, parameters: {rate_per_s: -1}}}\n",
        r"market\.population\.a\.parameters: rate_per_s is -1, expected a number above 0",
    ),
    "a parameter set and drawn": (
        SIMULATED + "  population: {a: {kind: noise, parameters: {from_s: 1}, vary: {from_s: {distribution: normal, mean: 1, sd: 1}}}}\n",
        r"line 7: market\.population\.a\.vary: from_s is set under parameters as well",
    ),
    "a distribution nobody knows": (
        SIMULATED + "  population: {a: {kind: noise, vary: {from_s: {distribution: lognorm}}}}\n",
        r"has distribution \"lognorm\"; did you mean 'lognormal'\?",
    ),
    "a symbol a group cannot trade": (
        SIMULATED + "  population: {a: {kind: noise, symbols: [NOPE]}}\n",
        r"market\.population\.a\.symbols: NOPE is not among the run's symbols",
    ),
    "a venue that is not there": (SIMULATED + "  population: {a: {kind: noise, venue: XX}}\n", r"XX is not among the venues XSIM"),
    "a shock to a group that is none": (
        SIMULATED + "  preset: rmsc04\n  shocks: [{kind: withdrawal, time: '10:00', group: makers}]\n",
        r"market\.shocks\.0\.group: makers is not a group of the population",
    ),
    "a session that is not simulated": (
        SIMULATED + "  preset: rmsc04\n  news: [{time: '10:00', session: 3}]\n",
        r"market\.news\.0\.session: 3 is not simulated",
    ),
    "cash that no account can count": (
        SIMULATED + "  tick_size: 1e-9\n  population: {a: {kind: noise, cash: 1e12}}\n",
        r"market\.population\.a\.cash: 1e\+12 for 1 is more than 4e\+18 ticks times lots",
    ),
    "a limit that no account can reach": (
        SIMULATED + "  population: {a: {kind: noise, limits: {lowest_cash: -1e308}}}\n",
        r"market\.population\.a\.limits\.lowest_cash: -1e\+308 for 1 is more than",
    ),
    "an order from outside of less than a lot": (
        SIMULATED + "  preset: rmsc04\n  lot_size: 100\n  shocks: [{kind: order, time: '10:00', side: buy, qty_shares: 5}]\n",
        r"market\.shocks\.0\.qty_shares: 5 shares are 0\.05 lots of 100; an order has 1 to 1e\+12",
    ),
    "an order from outside beyond all prices": (
        SIMULATED + "  preset: rmsc04\n  shocks: [{kind: order, time: '10:00', side: buy, qty_shares: 5, limit_price: 1e300}]\n",
        r"market\.shocks\.0\.limit_price: 1e\+300 is 1e\+302 ticks",
    ),
    "a value beyond all prices": (
        SIMULATED + "  preset: rmsc04\n  fundamental: {kind: ornstein_uhlenbeck, volatility_tick_per_sqrt_ns: 1e12}\n",
        r"market\.fundamental: the value of AAPL grows beyond 1e\+15 ticks",
    ),
    "a parameter beyond all numbers": (
        SIMULATED + "  population: {a: {kind: poisson_noise, parameters: {order_lot: 1180591620717411303424}}}\n",
        r"market\.population\.a\.parameters: order_lot is 1180591620717411303424, expected a",
    ),
    "a drawn parameter that is no number": (
        SIMULATED + "  population: {a: {kind: poisson_noise, vary: {order_lot: {distribution: choice, values: [.nan, .nan]}}}}\n",
        r"market\.population\.a\.vary",
    ),
    "messages that travel for longer than a day": (
        SIMULATED + "  population: {a: {kind: noise, latency: {kind: distance, speed_m_per_s: 1e-12}}}\n",
        r"speed_m_per_s: 1e-12 takes longer than a day for 3\.86666e\+06 m; raise it",
    ),
    "news of a code beyond all numbers": (
        SIMULATED + "  preset: rmsc04\n  news: [{time: '10:00', what: own, code: 1180591620717411303424}]\n",
        r"'market\.news\.0\.code' is 1180591620717411303424; expected",
    ),
    "a market that closes before it opens": (
        SIMULATED + "  preset: rmsc04\n  hours: {open: '16:00', close: '09:30'}\n",
        r"market\.hours: close 09:30 does not come after open 16:00",
    ),
    "data nobody reads": (
        SIMULATED + "  preset: rmsc04\nproviders: [{kind: yahoo}]\n",
        r"providers: are not asked for anything",
    ),
    "sessions counted twice": (
        SIMULATED + "  preset: rmsc04\n  sessions: 3\nend: 2012-02-01\n",
        r"end: does not fit with market\.sessions",
    ),
    "a sweep without a strategy": (
        SIMULATED + "  preset: rmsc04\nsweep: {parameters: {seed: [1, 2]}}\n",
        r"sweep: compares a strategy's results, but there is no strategy",
    ),
    "an agent of one's own that is no agent": (
        SIMULATED + "  population: {a: {kind: 'json:dumps'}}\n",
        r"json:dumps: is a function, not a compiled agent; put @compiled_agent",
    ),
    "an agent of one's own that is not there": (
        SIMULATED + "  population: {a: {kind: 'no_such_module:agent'}}\n",
        r"is no_such_module installed, or the folder that holds it on PYTHONPATH\?",
    ),
    "an unknown market": (TEXT + "market: {kind: bar}\n", r"'market' has kind \"bar\"; did you mean 'bars'\?"),
    "a calendar nobody has": (TEXT + "calendar: XXXX\n", r"calendar.*XXXX"),
    "a misspelt calendar": (TEXT + "calendar: XNYX\n", r"calendar.*XNYX.*XNYS"),
    "an exchange's name for its code": (TEXT + "calendar: nyse\n", r"line 7: 'calendar' is \"nyse\"; expected"),
    "no cash": (TEXT + "account: {cash: 0}\n", r"line 7: 'account\.cash' is 0; expected a number above 0"),
    "infinite cash": (TEXT + "account: {cash: .inf}\n", r"'account\.cash' is Infinity; expected a finite number"),
    "cash that is no number": (TEXT + "account: {cash: .nan}\n", r"'account\.cash' is NaN; expected a finite number"),
    "all the money in the world": (TEXT + "account: {cash: 1e300}\n", r"'account\.cash' is 1e\+300; expected a number of at most 1e\+15"),
    "cash in words": (TEXT + "account: {cash: '1000000'}\n", r"'account\.cash' is \"1000000\"; expected a number"),
    "cash that is true": (TEXT + "account: {cash: true}\n", r"'account\.cash' is true; expected a number"),
    "a negative fee": (TEXT + "fees: {per_share: -1}\n", r"'fees\.per_share' is -1; expected a number of at least 0"),
    "a negative slippage": (TEXT + "slippage_bps: -0.1\n", r"'slippage_bps' is -0\.1; expected a number of at least 0"),
    "a currency with digits": (TEXT + "account: {currency: US1}\n", r"'account\.currency' is \"US1\"; expected"),
    "a negative seed": (TEXT + "seed: -1\n", r"'seed' is -1; expected a number of at least 0"),
    "a seed beyond 64 bits": (TEXT + f"seed: {2**64}\n", r"'seed' is 18446744073709551616; expected a number below"),
    "a seed of five thousand digits": (
        TEXT + f"seed: {'9' * 5000}\n",
        r"run\.yaml, line 7: a number of 5,000 digits is more than any key takes",
    ),
    "half a tick": (TEXT + "max_ticks: 0.5\n", r"'max_ticks' is 0\.5; expected a whole number"),
    "a cap above one": (TEXT + "market: {participation_cap: 2}\n", r"'market\.participation_cap' is 2; expected a number of at most 1"),
    "a fill rule nobody has": (TEXT + "market: {fill: this_close}\n", r"'market\.fill' is \"this_close\"; did you mean 'same_close'\?"),
    "an unknown strategy": (
        TEXT.replace("buy_and_hold", "buy_and_hodl"),
        r"line 5: 'strategy' has kind \"buy_and_hodl\"; did you mean 'buy_and_hold'\?",
    ),
    "a strategy without a kind": (TEXT.replace("kind: buy_and_hold", "weight: 1"), r"line 5: 'strategy' has no kind; add `kind:`"),
    "a strategy that is a word": (
        TEXT.split("strategy")[0] + "strategy: buy_and_hold\n",
        r"line 5: 'strategy' is \"buy_and_hold\"; expected a section such as \{kind: buy_and_hold\}",
    ),
    "a key of another strategy": (TEXT + "  fast: 5\n", r"line 7: unknown key 'strategy\.fast'; allowed here: kind, weight"),
    "averages the wrong way round": (
        TEXT.replace("kind: buy_and_hold", "{kind: sma_crossover, fast: 50, slow: 20}"),
        r"line 6: strategy\.fast: 50 must be smaller than slow: 20|line \d: strategy.*fast: 50 must be smaller",
    ),
    "an agent named strategy": (TEXT + "agents: [{name: strategy, strategy: {kind: buy_and_hold}}]\n", r"agents: name strategy is taken"),
    "two agents of one name": (
        TEXT + "agents: [{name: a, strategy: {kind: buy_and_hold}}, {name: a, strategy: {kind: buy_and_hold}}]\n",
        r"line 7: agents: name a is taken; names must be unique",
    ),
    "a name with a space": (TEXT.replace("name: tiny", "name: my run"), r"line 1: 'name' is \"my run\"; expected a name such as nightly_2"),
    "no providers": (TEXT + "providers: []\n", r"'providers' is a list; expected at least 1 entry"),
    "an unknown provider": (TEXT + "providers: [{kind: yahooo}]\n", r"'providers\.0' has kind \"yahooo\"; did you mean 'yahoo'\?"),
    "a file provider without a path": (TEXT + "providers: [{kind: file}]\n", r"key 'providers\.0\.path' is missing; add it"),
    "an unknown column to map": (TEXT + "providers: [{kind: file, path: x.csv, columns: {opne: Open}}]\n", r"opne.*open"),
    "a time zone nobody has": (TEXT + "providers: [{kind: file, path: x.csv, timezone: Mars/Olympus}]\n", r"Mars/Olympus"),
    "a sweep over an unknown key": (
        TEXT + "sweep: {parameters: {strategy.wieght: [1]}}\n",
        r"unknown key 'strategy\.wieght'; did you mean 'weight'\?",
    ),
    "a sweep over wrong values": (
        TEXT + "sweep: {parameters: {strategy.weight: [a]}}\n",
        r"'strategy\.weight' is \"a\"; expected a number",
    ),
    "a sweep over nothing": (TEXT + "sweep: {parameters: {}}\n", r"'sweep\.parameters' is a section; expected at least 1 entry"),
    "a walk-forward without a sweep": (TEXT + "walk_forward: {}\n", r"walk_forward: needs a `sweep` section"),
    "a yearly rate in percent": (TEXT + "report: {risk_free_rate: 3}\n", r"'report\.risk_free_rate' is 3; expected a number of at most 1"),
}


@pytest.mark.parametrize(("text", "says"), SAYS.values(), ids=SAYS)
def test_a_faulty_description_is_refused_in_a_sentence(laboratory: Laboratory, text: str | bytes, says: str) -> None:
    laboratory.run(text).must_say(says)


def test_a_folder_in_place_of_a_file_is_refused(laboratory: Laboratory) -> None:
    (laboratory.folder / "run.yaml").mkdir()
    refusal = laboratory.run_path(laboratory.folder / "run.yaml")
    refusal.must_say(r"run\.yaml: is a folder; name one YAML file in it")


def test_a_missing_file_is_answered_with_the_nearest(laboratory: Laboratory) -> None:
    laboratory.write("nightly.yaml", TEXT)
    laboratory.run_path(laboratory.folder / "nigthly.yaml").must_say(r"nigthly\.yaml: no such file; did you mean nightly\.yaml\?")


@pytest.mark.parametrize(
    ("setting", "says"),
    [
        ("strategy.wieght=1", r"override strategy\.wieght: unknown key 'strategy\.wieght'; did you mean 'weight'\?"),
        ("symbols.7=IBM", r"override symbols\.7 needs a list position from 0 to 0"),
        ("name.first=1", r"override name\.first goes below a value that has no keys"),
        ("seed", r"override 'seed': expected key=value"),
        ("seed=[1", r"override seed, line 1: .*flow sequence"),
        ("seed=many", r"override seed: 'seed' is \"many\"; expected a whole number"),
    ],
)
def test_a_faulty_override_is_refused(laboratory: Laboratory, setting: str, says: str) -> None:
    laboratory.run(TEXT, "--set", setting).must_say(says)
