"""A polite JSON client: it keeps to a rate, waits and retries where that may help, and says in one sentence what went wrong.

How bytes travel is the caller's (`Send`), so each provider keeps its own library's session, and tests can point it at a stub.
Time and randomness come from outside as well.
"""

from __future__ import annotations

import datetime as dt
import json
import random
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any, Protocol

from marketsim.errors import ProviderError


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer over HTTP; header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Send(Protocol):
    """Send one GET; a broken connection or an incomplete answer is a retryable `ProviderError`."""

    def __call__(self, url: str, params: Mapping[str, str]) -> Reply:
        """Return the answer, whatever its status."""


@dataclass(frozen=True, slots=True)
class Timing:
    """Where waiting comes from; a test replaces both by a pretended clock."""

    clock_s: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and how long: attempt k waits up to base · 2^k seconds, half of it drawn, or what the server asks for."""

    attempts: int = 5
    base_s: float = 1.0
    longest_s: float = 120.0
    seed: int = 0


@dataclass(slots=True)
class RateLimit:
    """At most a number of requests in any minute; state is the times of the last ones."""

    per_minute: float
    timing: Timing
    _sent_s: deque[float] = field(default_factory=deque)

    def wait(self) -> None:
        """Sleep until one more request is allowed, and count it."""
        burst = max(1, int(self.per_minute))
        window_s = 60.0 * burst / self.per_minute
        while len(self._sent_s) >= burst:
            pause = self._sent_s[0] + window_s - self.timing.clock_s()
            if pause > 0:
                self.timing.sleep(pause)
            self._sent_s.popleft()
        self._sent_s.append(self.timing.clock_s())


class JsonApi:
    """GET requests that answer JSON objects."""

    def __init__(
        self, name: str, send: Send, *, requests_per_minute: float, retry: RetryPolicy | None = None, timing: Timing | None = None
    ) -> None:
        """Keep what every request needs; ``name`` is how messages call the provider."""
        self._name = name
        self._send = send
        self._retry = retry or RetryPolicy()
        self._timing = timing or Timing()
        self._limit = RateLimit(requests_per_minute, self._timing)
        self._jitter = random.Random(self._retry.seed)  # noqa: S311 - spreads retries, guards nothing

    def get(self, url: str, params: Mapping[str, str], subject: str, *, also: tuple[int, ...] = ()) -> dict[str, Any]:
        """Return the JSON object that a URL answers.

        Parameters
        ----------
        url, params : what to ask; neither may hold a secret, for they may be shown.
        subject : what is asked for, for messages.
        also : statuses besides 200 whose bodies are answers too.

        Raises
        ------
        ProviderError
            No usable answer after all attempts, or one that asking again would not better.
        """
        for attempt in range(self._retry.attempts):
            self._limit.wait()
            wait_s = min(self._retry.base_s * 2.0**attempt, self._retry.longest_s) * self._jitter.uniform(0.5, 1.0)
            try:
                reply = self._send(url, params)
                if reply.status == 200 or reply.status in also:
                    return self._parse(reply.body, subject)
                wait_s = max(wait_s, _asked_to_wait_s(reply.headers))
                raise self._refusal(reply.status, subject)
            except ProviderError as error:
                if not error.retryable or attempt + 1 == self._retry.attempts:
                    raise
                if wait_s > self._retry.longest_s:
                    raise ProviderError(
                        f"{self._name} asks to wait {wait_s:.0f} s before {subject} is asked for again, "
                        f"longer than the {self._retry.longest_s:.0f} s allowed; try later."
                    ) from None
                self._timing.sleep(wait_s)
        raise ProviderError(f"{self._name}: retries are set to {self._retry.attempts} attempts; expected at least 1.")

    def _parse(self, body: bytes, subject: str) -> dict[str, Any]:
        try:
            answer = json.loads(body)
        except ValueError:
            what = f"{len(body)} bytes that are no JSON" if body else "an empty body"
            raise ProviderError(f"{self._name} answered {what} for {subject}; try again later.", retryable=True) from None
        if not isinstance(answer, dict):
            raise ProviderError(f"{self._name} answered a JSON {type(answer).__name__} for {subject}, expected an object; try again later.")
        return answer

    def _refusal(self, status: int, subject: str) -> ProviderError:
        match status:
            case 401 | 403:
                return ProviderError(f"{self._name} refused access to {subject} (HTTP {status}); check the key and what the plan covers.")
            case 404:
                return ProviderError(f"{self._name} does not know {subject} (HTTP 404); check the symbol.")
            case 429:
                return ProviderError(
                    f"{self._name} says too many requests (HTTP 429) for {subject}; lower requests_per_minute or try later.", retryable=True
                )
            case _ if status >= 500:
                return ProviderError(f"{self._name} failed to answer for {subject} (HTTP {status}); try later.", retryable=True)
            case _:
                return ProviderError(f"{self._name} answered HTTP {status} for {subject}, expected 200; check the request.")


def _asked_to_wait_s(headers: Mapping[str, str]) -> float:
    """Return what Retry-After asks for, seconds; a date in it counts from the answer's own Date."""
    text = headers.get("retry-after", "").strip()
    if text.isdigit():
        return float(text)
    try:
        pause: dt.timedelta = parsedate_to_datetime(text) - parsedate_to_datetime(headers.get("date", ""))
    except (TypeError, ValueError):
        return 0.0
    return max(0.0, pause.total_seconds())
