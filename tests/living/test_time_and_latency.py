"""When things happen: latencies to the nanosecond, a venue that takes its time, nights between sessions."""

from __future__ import annotations

import numpy as np

from marketsim.markets.simulated.setting import Latency, Member
from tests.living.probes import (
    SECOND_NS,
    START_NS,
    ProbeParams,
    RegularParams,
    orders_of,
    probe,
    regular,
    setting,
    world_of,
)

AT = 1_000_000


def test_an_order_arrives_after_computation_and_latency() -> None:
    sender = Member("sender", probe, ProbeParams(at_ns=(AT,)), latency=Latency(data_ns=300, order_ns=700, computation_ns=50))
    orders = orders_of(world_of([sender], setting(venue_latency_ns=(11,))))
    assert orders["time_ns"].tolist() == [START_NS + AT + 50 + 700 + 11]


def test_an_agent_sees_the_book_one_data_latency_ago() -> None:
    arrival = AT + 700
    sender = Member("sender", probe, ProbeParams(at_ns=(AT,), price_tick=77), latency=Latency(order_ns=700))
    looks = (arrival + 400 - 1, arrival + 400 + 1)
    watchers = [
        Member(f"watcher.{k}", probe, ProbeParams(at_ns=(look,), echoes=True), latency=Latency(data_ns=400, order_ns=5000))
        for k, look in enumerate(looks)
    ]
    orders = orders_of(world_of([sender, *watchers], setting()))
    assert orders["time_ns"].tolist() == [START_NS + t for t in (arrival, looks[0] + 5000, looks[1] + 5000)]
    assert orders["price_tick"].tolist() == [77, 1, 77]


def test_a_venue_takes_one_message_after_the_other() -> None:
    senders = [Member(f"sender.{k}", probe, ProbeParams(at_ns=(AT, AT + 1500))) for k in range(2)]
    orders = orders_of(world_of(senders, setting(venue_processing_ns=(1000,))))
    assert (orders["time_ns"] - START_NS - AT).tolist() == [0, 1000, 2000, 3000]


def test_an_agent_is_busy_until_it_has_finished_computing() -> None:
    slow = Member("slow", probe, ProbeParams(at_ns=(AT, AT + 10, AT + 5000)), latency=Latency(computation_ns=1000))
    orders = orders_of(world_of([slow], setting()))
    assert (orders["time_ns"] - START_NS - AT).tolist() == [1000, 2000, 6000]


def test_nights_do_not_count() -> None:
    second = START_NS + 5000 * SECOND_NS
    sessions = ((START_NS, START_NS + 1000 * SECOND_NS), (second, second + 1000 * SECOND_NS))
    orders = orders_of(world_of([Member("regular", regular, RegularParams(wait_ns=300 * SECOND_NS))], setting(sessions=sessions)))
    assert ((orders["time_ns"] - START_NS) // SECOND_NS).tolist() == [300, 600, 900, 5200, 5500, 5800]


def test_a_wake_up_for_the_next_opening_comes_at_the_opening() -> None:
    """Its market data are from before the opening; the turn is taken as soon as there are any from after it."""
    second = 5000 * SECOND_NS
    sessions = ((START_NS, START_NS + 1000 * SECOND_NS), (START_NS + second, START_NS + second + 1000 * SECOND_NS))
    early = Member("early", probe, ProbeParams(at_ns=(AT, second + 10)), latency=Latency(data_ns=400))
    orders = orders_of(world_of([early], setting(sessions=sessions)))
    assert (orders["time_ns"] - START_NS).tolist() == [AT, second + 400]


def test_messages_of_one_agent_never_overtake_each_other() -> None:
    """Whatever the jitter, orders arrive in the order they were sent; and their delays vary."""
    jittery = Latency(order_ns=1000, jitter=("log_normal", 16.0, 1.5))
    member = Member("jittery", regular, RegularParams(wait_ns=50_000_000), latency=jittery)
    orders = orders_of(world_of([member], setting()))
    assert (orders["order_id"][1:] > orders["order_id"][:-1]).all()
    assert len(set((orders["time_ns"] % 50_000_000).tolist())) > 100


def test_empirical_delays_are_the_table_s() -> None:
    """Orders leave at whole seconds and arrive the constant part and one entry of the table later, each a third of the time."""
    latency = Latency(order_ns=100, jitter=("empirical", (1, 20, 300)))
    params = ProbeParams(at_ns=tuple(k * SECOND_NS for k in range(1, 17)))
    members = [Member(f"jittery.{k}", probe, params, latency=latency) for k in range(60)]
    delays = (orders_of(world_of(members, setting()))["time_ns"] - START_NS) % SECOND_NS
    values, counts = np.unique(delays, return_counts=True)
    assert values.tolist() == [101, 120, 400]
    assert np.abs(counts - 320).max() < 4 * np.sqrt(960 * 2 / 9)
