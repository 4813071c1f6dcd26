"""The cache: no network twice, only what is new, and no trust in what was damaged or rewritten."""

from __future__ import annotations

import datetime as dt
import json

import numpy as np
import pyarrow as pa
import pytest

from marketsim.data.bars import make_frame, to_floats
from marketsim.data.cache import Cache, join
from marketsim.data.providers.provider import within
from marketsim.errors import DataError, ProviderError

NOW = dt.datetime(2024, 3, 1, 22, tzinfo=dt.UTC)


def day(n):
    return dt.date(2024, 1, 1) + dt.timedelta(days=n)


class History:
    """A remote provider of one bar a day whose close is `level + n`; remembers what it was asked."""

    name = "history"
    remote = True

    def __init__(self, n=60):
        self.n, self.level, self.asked, self.down = n, 100.0, [], False
        self.splits = {}

    def request(self, symbol, interval):
        return f"{symbol} {interval}"

    def fetch(self, symbol, start, end, interval):
        self.asked.append((start, end))
        if self.down:
            raise ProviderError("history cannot be reached; check the network.", retryable=True)
        close = self.level + np.arange(self.n)
        splits = np.array([self.splits.get(k, 1.0) for k in range(self.n)])
        frame = make_frame(pa.array([day(k) for k in range(self.n)]), [close] * 4, close * 10, split_ratio=splits)
        return within(frame, start, end)


@pytest.fixture
def history():
    return History()


@pytest.fixture
def said():
    return []


@pytest.fixture
def cache(tmp_path, said):
    return Cache(tmp_path / "cache", NOW, said.append)


def ask(cache, history, first, last, *, newest=False):
    return cache.frame(history, "SPY", day(first), day(last), "1d", newest=newest)


def test_second_time_needs_no_network(cache, history):
    once = ask(cache, history, 0, 20)
    history.down = True
    assert ask(cache, history, 0, 20).equals(once)
    assert ask(cache, history, 5, 10).equals(once)
    assert len(history.asked) == 1


def test_manifest_says_what_is_kept_and_where_from(cache, history, tmp_path):
    ask(cache, history, 0, 20)
    place = tmp_path / "cache" / "history" / "1d" / "SPY.json"
    manifest = json.loads(place.read_text())
    assert (manifest["source"], manifest["request"], manifest["n_rows"]) == ("history", "SPY 1d", 21)
    assert (manifest["first_date"], manifest["last_date"]) == ("2024-01-01", "2024-01-21")
    assert manifest["retrieved_utc"] == "2024-03-01T22:00:00+00:00"
    assert sorted(p.name for p in place.parent.iterdir()) == sorted([place.name, manifest["file"]])


def test_only_the_missing_tail_is_fetched_with_a_few_bars_of_overlap(cache, history):
    ask(cache, history, 0, 20)
    longer = ask(cache, history, 0, 30)
    assert history.asked[1] == (day(16), day(30))
    assert longer.column("close").to_pylist() == [100.0 + k for k in range(31)]
    ask(cache, history, 0, 30)
    assert len(history.asked) == 2


def test_only_the_missing_head_is_fetched(cache, history):
    ask(cache, history, 20, 30)
    longer = ask(cache, history, 10, 30)
    assert history.asked[1] == (day(10), day(24))
    assert longer.column("close").to_pylist() == [110.0 + k for k in range(21)]


def test_both_ends_at_once(cache, history):
    ask(cache, history, 20, 30)
    assert ask(cache, history, 10, 40).column("time").to_pylist() == [day(k) for k in range(10, 41)]


def test_bars_keep_the_time_they_were_retrieved(cache, history, said, tmp_path):
    ask(cache, history, 0, 20)
    later = Cache(tmp_path / "cache", NOW + dt.timedelta(days=1), said.append)
    retrieved = ask(later, history, 0, 30).column("retrieved_utc").to_pylist()
    assert {r.day for r in retrieved[:17]} == {1}
    assert {r.day for r in retrieved[21:]} == {2}


def test_rewritten_history_is_fetched_whole_and_said(cache, history, said):
    ask(cache, history, 0, 20)
    history.level = 50.0
    frame = ask(cache, history, 0, 30)
    assert history.asked[2] == (day(0), day(30))
    assert frame.column("close").to_pylist() == [50.0 + k for k in range(31)]
    assert any("has rewritten its history since 2024-03-01T22:00:00+00:00" in line for line in said)


def test_a_new_split_alone_is_no_rewriting_of_raw_prices(cache, history):
    ask(cache, history, 0, 20)
    history.splits = {25: 2.0}
    frame = ask(cache, history, 0, 30)
    assert len(history.asked) == 2
    assert [k for k, ratio in enumerate(frame.column("split_ratio").to_pylist()) if ratio != 1] == [25]


def test_an_action_on_the_first_bar_of_the_overlap_is_not_lost(cache, history):
    history.splits = {16: 2.0}
    ask(cache, history, 0, 20)
    history.splits = {}  # a fetch that starts on the bar may not know what was dated between it and the bar before
    assert to_floats(ask(cache, history, 0, 30).column("split_ratio"))[16] == 2.0


@pytest.mark.parametrize("damage", ["parquet bytes", "parquet gone", "manifest text", "manifest key", "manifest gone"])
def test_damage_is_noticed_and_fetched_again(cache, history, said, tmp_path, damage):
    whole = ask(cache, history, 0, 20)
    place = tmp_path / "cache" / "history" / "1d" / "SPY.json"
    file = next(place.parent.glob("*.parquet"))
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    {
        "parquet bytes": lambda: file.write_bytes(content),
        "parquet gone": file.unlink,
        "manifest text": lambda: place.write_text('{"source": "hist'),
        "manifest key": lambda: place.write_text('{"source": "history"}'),
        "manifest gone": place.unlink,
    }[damage]()
    assert ask(cache, history, 0, 20).equals(whole)
    assert len(history.asked) == 2
    assert len(said) == (0 if damage == "manifest gone" else 1)
    history.down = True
    assert ask(cache, history, 0, 20).equals(whole)


def test_provider_down_is_an_error_for_an_end_asked_for_and_said_for_the_newest(cache, history, said):
    ask(cache, history, 0, 20)
    history.down = True
    with pytest.raises(ProviderError, match="cannot be reached"):
        ask(cache, history, 0, 30)
    assert ask(cache, history, 0, 30, newest=True).num_rows == 21
    assert "using bars kept up to 2024-01-21" in said[-1]
    history.down = False
    assert ask(cache, history, 0, 30, newest=True).num_rows == 31


def test_symbols_with_signs_have_their_own_files(cache, history, tmp_path):
    for symbol in ("^GSPC", "BRK.B", "EURUSD=X"):
        cache.frame(history, symbol, day(0), day(5), "1d", newest=False)
    assert len(list((tmp_path / "cache").rglob("*.json"))) == 3


def test_a_file_in_place_of_the_folder_is_one_sentence(history, tmp_path):
    (tmp_path / "cache").write_text("")
    with pytest.raises(DataError, match=r"cache folder .*: cannot be written"):
        ask(Cache(tmp_path / "cache", NOW, print), history, 0, 20)


def test_frames_that_share_no_bar_are_not_joined(history):
    frame = history.fetch("SPY", day(0), day(20), "1d")
    assert join(frame.slice(0, 5), frame.slice(5)) is None
    assert join(frame.slice(0, 6), frame.slice(5)).equals(frame)
