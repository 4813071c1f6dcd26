"""The report of a small run: one offline page, deterministic, escaped, and with the figures of the tables."""

from __future__ import annotations

import html
import json
import re
import struct

import numpy as np
import pyarrow as pa
import pytest
import vl_convert

from marketsim.report import RunReport, report
from marketsim.risk.measures import MEASURES
from tests.report.books import N_BARS, bars, equity_of, findings, ledger, spec, walk
from tests.risk.risk_tables import bars_of, fills_of, table
from warehouse.schemas import TABLES


@pytest.fixture(scope="module")
def result() -> RunReport:
    return report(spec(), bars(), ledger(), findings(), "0123456789ab", snapshot_digest="d" * 64, code_version="0.1.0+abc")


def without_scripts(page: str) -> str:
    return re.sub(r"<script.*?</script>", "", page, flags=re.DOTALL)


def page_data(page: str) -> dict:
    return json.loads(re.search(r'<script id="data" type="application/json">(.*?)</script>', page, re.DOTALL).group(1))


def test_tables_are_the_warehouses(result: RunReport) -> None:
    assert result.metrics.schema == TABLES["metrics"].arrow
    assert result.round_trips.schema == TABLES["round_trips"].arrow
    assert result.round_trips.num_rows == 2


def test_the_same_run_gives_the_same_bytes(result: RunReport) -> None:
    again = report(spec(), bars(), ledger(), findings(), "0123456789ab", snapshot_digest="d" * 64, code_version="0.1.0+abc")
    assert again.html == result.html
    assert again.image_png == result.image_png
    assert again.summary == result.summary
    assert again.metrics.equals(result.metrics)


def test_the_page_loads_nothing(result: RunReport) -> None:
    markup = without_scripts(result.html)
    assert "http://" not in markup
    assert "https://" not in markup
    assert not re.search(r"<link|\bsrc=|@import|url\(", markup)
    assert len(result.html) < 2_000_000


def test_the_page_has_every_section_and_identity(result: RunReport) -> None:
    markup = without_scripts(result.html)
    for section in ("performance", "months", "drawdowns", "metrics", "trading", "costs", "trades", "health", "identity"):
        assert f'<section id="{section}">' in markup
    for text in ("0123456789ab", "d" * 64, "0.1.0+abc", spec().digest, "kind: buy_and_hold", "1 of 2 health gates passed", "1 warning"):
        assert text in markup


def test_the_metrics_section_shows_the_metrics_table(result: RunReport) -> None:
    markup = html.unescape(without_scripts(result.html))
    values = {(r["agent"], r["metric"]): r["value"] for r in result.metrics.to_pylist()}
    shown = f"{values['strategy', 'sharpe']:.2f}".replace("-", "−")
    row = re.search(r'<span class="explained">Sharpe ratio</span></th>(.*?)</tr>', markup, re.DOTALL).group(1)
    assert re.search(r"<td[^>]*>([^<]*)</td>", row).group(1) == shown
    for measure in MEASURES:
        if values["strategy", measure.name] is not None:
            assert measure.formula in markup


def test_every_chart_has_a_place_and_compiles(result: RunReport) -> None:
    data = page_data(result.html)
    places = set(re.findall(r'data-chart="([^"]+)"', without_scripts(result.html)))
    assert places == {chart["name"] for chart in data["charts"]}
    assert {
        "growth",
        "drawdown",
        "sharpe",
        "volatility",
        "distribution",
        "yearly",
        "exposure",
        "turnover",
        "trades-0",
        "trades-1",
    } == places
    for chart in data["charts"]:
        names = {"lines": [], "price": [], "trades": []}
        vl_convert.vegalite_to_vega(chart["spec"] | data["look"] | {"datasets": names})


def test_lines_end_where_the_metrics_say(result: RunReport) -> None:
    data = page_data(result.html)
    values = {(r["agent"], r["metric"]): r["value"] for r in result.metrics.to_pylist()}
    for account in ("strategy", "other", "benchmark"):
        assert data["lines"]["growth"][account][-1] == pytest.approx(values[account, "total_return"], rel=1e-4)
        assert min(data["lines"]["drawdown"][account]) == pytest.approx(values[account, "max_drawdown"], rel=1e-4)
    assert len(data["times"]) == N_BARS
    assert [a["name"] for a in data["accounts"]] == ["benchmark", "other", "strategy"]


def test_markers_and_prices_are_in_the_last_bars_shares(result: RunReport) -> None:
    symbol = page_data(result.html)["symbols"]["AAA"]
    bought, *sold = symbol["trades"]
    assert (bought["row"], bought["side"], bought["v"], bought["Shares"]) == (50, "buy", 50.0, "10")  # 5 at 100 before two for one
    assert [(m["row"], m["v"]) for m in sold] == [(150, 60.0), (250, 55.0)]
    assert symbol["close"][50] == pytest.approx(50 * walk(1)[50], rel=1e-5)


def test_hostile_text_stays_text() -> None:
    poison = '</script><script>alert("x")</script><img src=x>'
    page = report(spec(), bars(), ledger(), findings(poison), "<b>run</b>").html
    assert poison not in page
    assert "<img" not in without_scripts(page)
    assert "<b>run</b>" not in page
    assert html.escape(poison, quote=False).replace('"', "&#34;") in page


def test_the_picture_is_a_png_at_double_scale(result: RunReport) -> None:
    assert result.image_png[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", result.image_png[16:24])
    assert 1500 < width < 2000
    assert 700 < height < 1200


def test_the_summary_is_a_header_and_rows_of_text(result: RunReport) -> None:
    header, *rows = result.summary
    assert header == ("", "strategy", "other", "benchmark")
    assert {len(row) for row in rows} == {4}
    assert rows[0][0] == "Total return"
    assert rows[0][1].endswith(" %")


def test_progress_is_told() -> None:
    heard: list[str] = []
    report(spec(), bars(), ledger(), findings(), "x", progress=heard.append)
    assert heard == ["matching round trips", "measuring accounts", "drawing the picture", "writing the page"]


def test_a_run_without_trades_benchmark_agents_or_findings_is_reported() -> None:
    books = ledger(fills=fills_of([]), equity=equity_of("strategy", np.full(30, 1000.0)), health=table("health", []))
    got = report(spec(agents=[], benchmark=None), bars(), books, table("findings", []), "x")
    markup = without_scripts(got.html)
    assert "The strategy was never below an earlier value." in markup
    assert "^" not in got.summary[0]
    assert got.round_trips.num_rows == 0
    assert 'data-chart="sharpe"' not in markup  # fewer bars than the window
    assert 'data-chart="distribution"' not in markup  # every return is zero


@pytest.mark.parametrize("level", [[1000.0], [500.0], [1000.0, 0.0, 0.0], [1000.0, -50.0, -60.0], [1e3, 1e250, 1.0]])
def test_short_ruined_and_absurd_accounts_are_reported(level: list[float]) -> None:
    books = ledger(fills=fills_of([]), equity=equity_of("strategy", np.array(level)))
    got = report(spec(agents=[], benchmark=None), bars(), books, findings(), "x")
    assert got.metrics.num_rows == len(MEASURES)
    page_data(got.html)


def test_a_calm_market_that_ignores_splits_matches_lots_in_old_shares() -> None:
    fills = fills_of([("buy", 5, 100, "50o"), ("sell", 5, 60, "150o")], symbol="AAA")
    kept = report(spec(), bars(), ledger(fills=fills), findings(), "x").round_trips.to_pylist()
    ignored = report(
        spec(market={"kind": "bars", "actions": "ignore"}), bars(), ledger(fills=fills), findings(), "x"
    ).round_trips.to_pylist()
    assert (kept[0]["entry_price"], kept[0]["pnl_cash"]) == (50.0, 50.0)
    assert (ignored[0]["entry_price"], ignored[0]["pnl_cash"]) == (100.0, -200.0)


def test_intraday_bars_keep_their_time_of_day() -> None:
    books = ledger(fills=fills_of([]), equity=equity_of("strategy", 1000 * walk(4, 390), bars_a_day=39))
    data = page_data(report(spec(agents=[], benchmark=None, horizon="intraday"), bars(), books, findings(), "x").html)
    assert data["daily"] is False
    assert len(set(data["times"])) == 390
    assert data["times"][38] % 86_400_000 == 21 * 3_600_000


def test_bars_beyond_the_last_step_are_not_looked_at() -> None:
    short = equity_of("strategy", 1000 * walk(4)[:50])
    fills = fills_of([("buy", 5, 100, "10o")], symbol="AAA")
    later_split = pa.concat_tables(
        [bars_of([(100.0, 100.0)] * 60, symbol="AAA", splits={55: 10.0}), bars_of([(1.0, 1.0)] * 60, symbol="BBB")]
    )
    data = page_data(report(spec(agents=[], benchmark=None), later_split, ledger(fills=fills, equity=short), findings(), "x").html)
    assert data["symbols"]["AAA"]["trades"][0]["v"] == 100.0
