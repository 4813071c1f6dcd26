"""The gates pass a sound market, and catch the defects seen in other engines when they are planted here."""

from __future__ import annotations

import pytest

from marketsim.config.simulated import SimulatedMarket
from marketsim.markets.simulated.gates import health
from tests.living.planted import CROWD, gates, played, run_spec

HERE = "tests.living.planted"


@pytest.fixture(scope="module")
def sound() -> dict[str, dict[str, object]]:
    return gates(run_spec({"crowd": CROWD, "noise": {"kind": "poisson_noise", "count": 20, "parameters": {"rate_per_s": 0.2}}}))


def test_a_sound_market_passes_every_gate(sound: dict[str, dict[str, object]]) -> None:
    assert [row["message"] for row in sound.values() if not row["passed"]] == []
    assert set(sound) == {
        *(f"market.{name}" for name in ("cash_conserved", "shares_conserved", "fees_conserved", "book_uncrossed")),
        *(
            f"{group}.{name}"
            for group in ("crowd", "noise")
            for name in ("trades_until_late", "agents_alive", "cancel_ratio", "orders_sound")
        ),
    }


def test_a_market_maker_that_dies_on_a_one_sided_book_is_caught() -> None:
    # The sweeper empties the ask side after ten minutes; a maker that then forgets to ask for its next wake-up is dead.
    population = {
        "maker": {"kind": f"{HERE}:dying_maker", "count": 2},
        "sweeper": {"kind": f"{HERE}:sweeper", "health": {"liveness": "none"}},
    }
    found = gates(run_spec(population))
    assert not found["maker.agents_alive"]["passed"]
    assert "2 of 2 agents of maker fell silent (maker.0, maker.1)" in found["maker.agents_alive"]["message"]
    assert not found["maker.trades_until_late"]["passed"]


def test_one_dead_maker_among_living_ones_is_caught() -> None:
    population = {"crowd": CROWD, "maker": {"kind": "poisson_noise", "count": 5, "parameters": {"rate_per_s": 1.0}}}
    spec = run_spec(population)
    assert isinstance(spec.market, SimulatedMarket)
    results, _ = played(spec)
    number = results.roster.names().index("maker.3")
    # It would have taken about 1,800 turns; let it have stopped after ten minutes.
    agent = results.world.agents[number]
    agent["last_turn_ns"] = agent["first_turn_ns"] + 600 * 10**9
    found = {row["gate"]: row for row in health(results, spec.market).to_pylist()}
    assert "1 of 5 agents of maker fell silent (maker.3)" in found["maker.agents_alive"]["message"]
    agent["n_turns"] = 2  # or after its second turn
    found = {row["gate"]: row for row in health(results, spec.market).to_pylist()}
    assert not found["maker.agents_alive"]["passed"]


def test_a_cancel_storm_is_caught() -> None:
    found = gates(run_spec({"crowd": CROWD, "storm": {"kind": f"{HERE}:cancel_storm"}}))
    assert not found["storm.cancel_ratio"]["passed"]
    assert "expected 0 to 10 for one" in found["storm.cancel_ratio"]["message"]
    assert found["crowd.cancel_ratio"]["passed"]


def test_a_band_of_its_own_admits_what_a_group_is_meant_to_do() -> None:
    found = gates(run_spec({"crowd": CROWD, "storm": {"kind": f"{HERE}:cancel_storm", "health": {"most_cancels_per_order": 1e6}}}))
    assert found["storm.cancel_ratio"]["passed"]


def test_a_muted_group_is_not_expected_to_act() -> None:
    found = gates(run_spec({"crowd": CROWD, "noise": {"kind": "poisson_noise", "count": 3, "muted": True}}))
    assert not any(name.startswith("noise.") for name in found)


@pytest.mark.parametrize(
    ("table", "column", "gate"),
    [("agents", "cash_tick_lot", "cash_conserved"), ("agents", "fees_nano", "fees_conserved"), ("holdings", None, "shares_conserved")],
)
def test_a_tick_or_lot_that_appears_from_nowhere_is_caught(table: str, column: str | None, gate: str) -> None:
    spec = run_spec({"crowd": CROWD, "noise": {"kind": "poisson_noise", "count": 20, "parameters": {"rate_per_s": 0.2}}})
    assert isinstance(spec.market, SimulatedMarket)
    results, _ = played(spec)
    rows = getattr(results.world, table)
    (rows[column] if column else rows)[3] += 1
    found = {row["gate"]: row for row in health(results, spec.market).to_pylist()}
    assert not found[f"market.{gate}"]["passed"]


def test_orders_that_no_market_could_accept_are_caught() -> None:
    found = gates(run_spec({"crowd": CROWD, "careless": {"kind": f"{HERE}:careless"}}))
    assert not found["careless.orders_sound"]["passed"]
    # Half an hour, an order of no lots each second, the first at once and the last at the close.
    assert "1,801 of 1,801 orders of careless could never have been accepted, mostly for bad_quantity" in str(
        found["careless.orders_sound"]["message"]
    )
    assert found["crowd.orders_sound"]["passed"]
