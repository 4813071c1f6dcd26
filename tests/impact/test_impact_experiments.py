"""Experiments on a run's own market: who is taken away or added, and that nothing else changes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketsim.config.file import check_spec
from marketsim.config.run import RunSpec
from marketsim.errors import ConfigError, DataError
from marketsim.impact.experiments import Metaorder, with_metaorders, without_agent
from marketsim.impact.measures import measure_impact
from marketsim.impact.observer import Observer, Place
from marketsim.impact.pairs import Pair, run_pairs
from marketsim.impact.scenes import Hear, Scene
from marketsim.impact.tables import measures_table, pairs_table, path_table
from marketsim.kernel.simulation import world as w
from marketsim.kernel.simulation.world import QUOTE
from marketsim.markets.simulated.setting import Handed
from marketsim.records import EVENT, MESSAGE, TRADE
from marketsim.tape import Tape

SECOND = 1_000_000_000
HERE = Path()


def run(**changes: Any) -> RunSpec:
    """Half an hour of a zero-intelligence crowd with two makers beside it."""
    market = {
        "kind": "simulated",
        "preset": "zero_intelligence",
        "hours": {"open": "10:00", "close": "10:30"},
        "population": {"makers": {"kind": "ladder", "count": 2, "parameters": {"qty_lot": 3}}, "idle": {"kind": "twap", "count": 0}},
    }
    data = {"name": "short", "horizon": "intraday", "symbols": ["ZI"], "start": "2021-02-05", "seed": 5}
    return check_spec(data | {"market": market | changes.pop("market", {})} | changes, "test")


def order(*sizes: int, **changes: Any) -> Metaorder:
    return Metaorder(sizes or (20,), start_minutes=10.0, horizon_minutes=10.0, **changes)


def before(pair: Pair, minutes: float) -> np.ndarray:
    return pair.time_ns < pair.time_ns[0] + round(minutes * 60 * SECOND)


@pytest.mark.parametrize(("side", "sign"), [("buy", 1), ("sell", -1)])
def test_until_a_metaorder_starts_the_market_is_the_same_tick_for_tick(side: str, sign: int) -> None:
    experiment = with_metaorders(run(), order(20, 40, side=side), HERE)
    for size, pairs in zip((20, 40), experiment.run([5, 6], SECOND), strict=True):
        for pair in pairs:
            early = before(pair, 10.0)
            np.testing.assert_array_equal(pair.present.mid_tick[early], pair.absent.mid_tick[early])
            assert pair.fill_ns[0] >= pair.time_ns[0] + 600 * SECOND
            assert pair.net_lot == sign * size
            assert not np.array_equal(pair.present.mid_tick, pair.absent.mid_tick)


def test_all_sizes_are_compared_with_one_and_the_same_market() -> None:
    small, large = (pairs[0] for pairs in with_metaorders(run(), order(20, 40), HERE).run([5], SECOND))
    assert small.absent is large.absent
    alone = with_metaorders(run(), order(40), HERE).run([5], SECOND)[0][0]
    np.testing.assert_array_equal(alone.absent.mid_tick, large.absent.mid_tick)
    np.testing.assert_array_equal(alone.present.mid_tick, large.present.mid_tick)


def test_a_metaorder_in_an_auction_market_starts_after_the_open() -> None:
    phases = {"phases": {"pre_open_s": 60, "opening_auction_s": 60}}
    pair = with_metaorders(run(market=phases), order(), HERE).run([5], SECOND)[0][0]
    assert pair.fill_ns[0] >= pair.time_ns[0] + (120 + 600) * SECOND


def test_a_group_or_one_of_its_members_is_taken_away() -> None:
    both = without_agent(run(), "makers", HERE)
    one = without_agent(run(), "makers.1", HERE)
    assert (both.agents, one.agents) == (("makers.0", "makers.1"), ("makers.1",))
    with_both, with_one = both.run([5], SECOND)[0][0], one.run([5], SECOND)[0][0]
    np.testing.assert_array_equal(with_both.present.mid_tick, with_one.present.mid_tick)  # all are there in both
    assert not np.array_equal(with_both.absent.mid_tick, with_one.absent.mid_tick)
    assert len(with_one.fill_ns) < len(with_both.fill_ns)


def test_a_strategy_of_the_run_is_taken_away_and_another_one_stays() -> None:
    agents = [{"name": "other", "strategy": {"kind": "buy_and_hold"}, "account": {"cash": 500}}]
    spec = run(strategy={"kind": "buy_and_hold"}, account={"cash": 2_000}, agents=agents)
    pair = without_agent(spec, "strategy", HERE).run([5], SECOND)[0][0]
    other = without_agent(spec, "other", HERE).run([5], SECOND)[0][0]
    assert pair.net_lot > other.net_lot > 0
    np.testing.assert_array_equal(pair.present.mid_tick, other.present.mid_tick)
    first = int(np.searchsorted(pair.time_ns, pair.fill_ns[0]))
    np.testing.assert_array_equal(pair.present.mid_tick[: first - 1], pair.absent.mid_tick[: first - 1])
    # What is bought without the strategy is what the other one buys with it: volume without exceeds nothing of the strategy's.
    assert pair.present.volume_lot > pair.absent.volume_lot


def test_pairs_are_the_same_on_any_number_of_threads() -> None:
    experiment = without_agent(run(), "makers", HERE)
    one, three = experiment.run(range(5), SECOND)[0], experiment.run(range(5), SECOND, threads=3)[0]
    for a, b in zip(one, three, strict=True):
        assert a.seed == b.seed
        np.testing.assert_array_equal(a.present.mid_tick, b.present.mid_tick)
        np.testing.assert_array_equal(a.fill_lot, b.fill_lot)


@pytest.mark.parametrize(
    ("agent", "sentence"),
    [
        ("nobody", r"agent nobody is not in the market; groups: crowd \(1\), makers \(2\); one agent is GROUP.NUMBER"),
        ("makers.2", r"the members of makers are makers.0 to makers.1"),
        ("makers.01", r"the members of makers are makers.0 to makers.1"),
        ("idle", r"market.population.idle: has no agents in this run"),
    ],
)
def test_an_agent_that_is_not_there_is_told_with_those_who_are(agent: str, sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        without_agent(run(), agent, HERE)


def test_what_cannot_be_compared_is_refused() -> None:
    bars = check_spec({"name": "bars", "symbols": ["AAPL"], "start": "2012-01-03", "strategy": {"kind": "buy_and_hold"}}, "test")
    with pytest.raises(ConfigError, match="in a market of kind bars nobody reacts"):
        without_agent(bars, "strategy", HERE)
    with pytest.raises(ConfigError, match="symbol XYZ is not traded in this run; it has ZI"):
        without_agent(run(), "makers", HERE, "XYZ")
    muted = run(market={"population": {"makers": {"kind": "ladder", "muted": True}}})
    with pytest.raises(ConfigError, match="makers: is muted in this run"):
        without_agent(muted, "makers", HERE)
    with pytest.raises(DataError, match=r"without crowd\.0, symbol 0 at venue 0 never had both a bid and an ask"):
        without_agent(run(market={"population": {}}), "crowd", HERE).run([5])


@pytest.mark.parametrize(
    ("metaorder", "sentence"),
    [
        (Metaorder((20,)), "starts 60 minutes after the open and lasts 60 does not fit the session of 30 minutes"),
        (order(kind="noise"), "kind noise works no parent order; kinds that do: almgren_chriss, pov, twap, vwap"),
        (order(kind="twop"), "did you mean twap"),
        (order(parameters={"style": "rude"}), 'metaorder: style is "rude"'),
        (order(parameters={"qty_lot": 3}), "metaorder: qty_lot follows from its size, side, start and horizon"),
    ],
)
def test_a_metaorder_that_does_not_fit_is_refused(metaorder: Metaorder, sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        with_metaorders(run(), metaorder, HERE)


def test_a_seed_that_fails_ends_the_experiment_before_all_others_have_run() -> None:
    played = []

    class Fails:
        sessions, names, variants = ((0, SECOND),), ("trader",), 1

        def __init__(self, seed: int) -> None:
            self.seed = seed

        def play(self, variant: int, hear: Hear) -> None:
            del variant, hear
            played.append(self.seed)
            raise DataError(f"seed {self.seed} fails.")

    scene_of: Callable[[int], Scene] = Fails
    with pytest.raises(DataError, match="seed 0 fails"):
        run_pairs(scene_of, ["trader"], range(50), Place(), threads=2)
    assert played == [0]


def test_tables_have_a_row_for_every_size_and_seed_and_time() -> None:
    pairs = with_metaorders(run(), order(20, 40), HERE).run([5, 6, 7], 60 * SECOND)
    impacts = {size: measure_impact(own) for size, own in zip((20, 40), pairs, strict=True)}
    path, by_pair, measures = path_table(impacts), pairs_table(impacts, pairs), measures_table(impacts)
    assert path.num_rows == 2 * 31  # 10:00 to 10:30, and the nanosecond after the close begins no minute
    assert str(path["time_utc"][0]) == "2021-02-05 15:00:00+00:00"
    assert by_pair.select(["size_lot", "seed", "net_lot"]).to_pylist() == [
        {"size_lot": size, "seed": seed, "net_lot": size} for size in (20, 40) for seed in (5, 6, 7)
    ]
    row = next(r for r in measures.to_pylist() if (r["size_lot"], r["measure"]) == (40, "peak_bps"))
    own = [r["peak_bps"] for r in by_pair.to_pylist() if r["size_lot"] == 40]
    assert row["mean"] == pytest.approx(sum(own) / 3)
    assert row["low"] <= row["mean"] <= row["high"]


@given(
    steps=st.lists(st.tuples(st.integers(0, 3), st.integers(90, 99), st.integers(1, 5), st.booleans()), min_size=1, max_size=30),
    cuts=st.lists(st.integers(0, 30), max_size=5),
)
def test_a_path_does_not_depend_on_the_parts_in_which_it_is_heard(steps: list[tuple[int, int, int, bool]], cuts: list[int]) -> None:
    quotes = np.zeros(len(steps), QUOTE)
    quotes["time_ns"] = np.cumsum([wait for wait, *_ in steps])
    quotes["bid_tick"] = [bid for _, bid, _, _ in steps]
    quotes["ask_tick"] = quotes["bid_tick"] + [spread for _, _, spread, _ in steps]
    quotes["bid_lot"], quotes["ask_lot"] = 1, [both for *_, both in steps]
    times = np.arange(0, 100, 2)
    observer = Observer(Place(), times, [1])
    for part in np.split(quotes, sorted(cuts)):
        observer.hear(handed(part))
    usable = [q for q in quotes if q["ask_lot"]]
    if not usable:
        with pytest.raises(DataError):
            observer.path("here")
        return
    path = observer.path("here")
    for k, time in enumerate(times):
        latest = [q for q in usable if q["time_ns"] <= time]
        expected = (latest[-1]["bid_tick"] + latest[-1]["ask_tick"]) / 2 if latest else np.nan
        np.testing.assert_equal(path.mid_tick[k], expected)


def handed(quotes: np.ndarray) -> Handed:
    tape = Tape(np.zeros(0, TRADE), np.zeros(0, EVENT), None, None, None, "")
    return Handed(tape, np.zeros(0, MESSAGE), quotes, np.zeros(0, w.DEPTH_SAMPLE), np.zeros(0, w.ACCOUNT_SAMPLE))
