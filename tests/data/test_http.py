"""Politeness: how often, how long, and what is said when it does not help."""

from __future__ import annotations

import pytest

from marketsim.data.providers.http import JsonApi, RateLimit, Reply, RetryPolicy, Timing
from marketsim.errors import ProviderError
from tests.stubs.provider_server import PretendedClock

OK = Reply(200, {}, b'{"fine": true}')


def api(clock, *replies, per_minute=6000.0, **policy):
    waiting = list(replies)

    def send(url, params):
        reply = waiting.pop(0)
        if isinstance(reply, Exception):
            raise reply
        return reply

    timing = Timing(clock.clock_s, clock.sleep)
    return JsonApi("stub", send, requests_per_minute=per_minute, retry=RetryPolicy(**policy), timing=timing)


def test_waits_double_and_are_drawn_from_their_upper_half():
    clock = PretendedClock()
    answer = api(clock, *[Reply(500, {}, b"")] * 4, OK, seed=7).get("u", {}, "SPY")
    assert answer == {"fine": True}
    assert len(clock.slept) == 4
    for k, slept in enumerate(clock.slept):
        assert 0.5 * 2**k <= slept <= 2**k


def test_same_seed_waits_the_same_and_another_seed_differently():
    def waits(seed):
        clock = PretendedClock()
        api(clock, *[Reply(503, {}, b"")] * 3, OK, seed=seed).get("u", {}, "SPY")
        return clock.slept

    assert waits(1) == waits(1)
    assert waits(1) != waits(2)


@pytest.mark.parametrize(
    "headers",
    [{"retry-after": "17"}, {"retry-after": "Mon, 01 Jan 2024 00:00:27 GMT", "date": "Mon, 01 Jan 2024 00:00:10 GMT"}],
)
def test_retry_after_is_honoured_as_seconds_and_as_date(headers):
    clock = PretendedClock()
    api(clock, Reply(429, headers, b""), OK).get("u", {}, "SPY")
    assert clock.slept == [17.0]


def test_retry_after_beyond_patience_ends_at_once():
    clock = PretendedClock()
    with pytest.raises(ProviderError, match=r"stub asks to wait 3600 s before SPY is asked for again, longer than the 120 s allowed"):
        api(clock, Reply(429, {"retry-after": "3600"}, b"")).get("u", {}, "SPY")
    assert clock.slept == []


@pytest.mark.parametrize(
    ("reply", "message", "n_sleeps"),
    [
        (Reply(429, {}, b""), r"stub says too many requests \(HTTP 429\) for SPY", 2),
        (Reply(502, {}, b""), r"stub failed to answer for SPY \(HTTP 502\)", 2),
        (Reply(200, {}, b""), r"stub answered an empty body for SPY", 2),
        (Reply(200, {}, b"<html>"), r"stub answered 6 bytes that are no JSON for SPY", 2),
        (Reply(200, {}, b"[1]"), r"stub answered a JSON list for SPY, expected an object", 0),
        (Reply(401, {}, b""), r"stub refused access to SPY \(HTTP 401\); check the key", 0),
        (Reply(404, {}, b""), r"stub does not know SPY \(HTTP 404\)", 0),
        (Reply(418, {}, b""), r"stub answered HTTP 418 for SPY, expected 200", 0),
        (ProviderError("stub cannot be reached; check the network.", retryable=True), r"cannot be reached", 2),
    ],
)
def test_fault_is_one_sentence_and_retried_only_where_that_may_help(reply, message, n_sleeps):
    clock = PretendedClock()
    with pytest.raises(ProviderError, match=message) as caught:
        api(clock, *[reply] * 3, attempts=3).get("u", {}, "SPY")
    assert "\n" not in str(caught.value)
    assert len(clock.slept) == n_sleeps


def test_rate_limit_lets_a_minutes_worth_through_and_then_waits():
    clock = PretendedClock()
    limit = RateLimit(5.0, Timing(clock.clock_s, clock.sleep))
    sent = []
    for _ in range(12):
        limit.wait()
        sent.append(clock.now_s)
    assert sent == [0.0] * 5 + [60.0] * 5 + [120.0] * 2


def test_rate_below_one_a_minute_spaces_requests():
    clock = PretendedClock()
    limit = RateLimit(0.5, Timing(clock.clock_s, clock.sleep))
    for _ in range(3):
        limit.wait()
    assert clock.now_s == 240.0


def test_retries_count_against_the_rate():
    clock = PretendedClock()
    api(clock, Reply(500, {}, b""), OK, per_minute=1.0, base_s=1.0).get("u", {}, "SPY")
    assert clock.now_s >= 60.0
