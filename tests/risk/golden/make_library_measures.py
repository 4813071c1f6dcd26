"""Compute library_measures.json: the same measures by three independent libraries on the bundled AAPL and S&P 500 series.

Run in an environment of its own, never in the project's:

    uv venv /tmp/gold
    uv pip install --python /tmp/gold empyrical-reloaded==0.7.1 quantstats==0.0.86 backtesting==0.6.6 bokeh_sampledata==2026.1 arch==8.0.0
    /tmp/gold/bin/python tests/risk/golden/make_library_measures.py
"""

from __future__ import annotations

import datetime as dt
import json
import warnings
from importlib.metadata import version
from pathlib import Path

warnings.simplefilter("ignore")

import arch.data.sp500  # noqa: E402
import backtesting  # noqa: E402
import backtesting.lib  # noqa: E402
import backtesting.test  # noqa: E402
import empyrical as ep  # noqa: E402
import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
import quantstats.stats as qs  # noqa: E402
from bokeh_sampledata import stocks  # noqa: E402

backtesting.Pool = None


def series() -> tuple[pd.DataFrame, pd.Series, pd.Series]:
    aapl = pd.DataFrame(stocks.AAPL)
    aapl.index = pd.to_datetime(aapl.pop("date"))
    sp500 = arch.data.sp500.load()["Close"]
    own, market = aapl["adj_close"].pct_change().dropna(), sp500.pct_change().dropna()
    both = own.index.intersection(market.index)
    return aapl, own[both], market[both]


def by_empyrical(r: pd.Series, b: pd.Series) -> dict[str, float]:
    return {
        "total_return": ep.cum_returns_final(r),
        "annual_return": ep.annual_return(r),
        "volatility": ep.annual_volatility(r),
        "sharpe": ep.sharpe_ratio(r),
        "sortino": ep.sortino_ratio(r),
        "downside_deviation": ep.downside_risk(r),
        "omega": ep.omega_ratio(r),
        "max_drawdown": ep.max_drawdown(r),
        "calmar_of_annual_return": ep.calmar_ratio(r),
        "tail_ratio": ep.tail_ratio(r),
        "beta": ep.beta(r, b),
        "alpha_compounded": ep.alpha(r, b),
        "cvar_95": ep.conditional_value_at_risk(r, 0.05),
        "cvar_99": ep.conditional_value_at_risk(r, 0.01),
    }


def by_quantstats(r: pd.Series, b: pd.Series) -> dict[str, float]:
    greeks = qs.greeks(r, b, periods=252)
    return {
        "sharpe": qs.sharpe(r, periods=252),
        "sharpe_risk_free_2_pct": qs.sharpe(r, rf=0.02, periods=252),
        "sortino": qs.sortino(r, periods=252),
        "max_drawdown": qs.max_drawdown(r),
        "ulcer_index": qs.ulcer_index(r),
        "skew": qs.skew(r),
        "kurtosis": qs.kurtosis(r),
        "win_rate_of_days": qs.win_rate(r),
        "payoff_ratio_of_days": qs.payoff_ratio(r),
        "profit_factor_of_days": qs.profit_factor(r),
        "kelly_fraction_of_days": qs.kelly_criterion(r),
        "information_ratio_a_bar": qs.information_ratio(r, b),
        "beta": greeks["beta"],
        "alpha": greeks["alpha"],
        "gaussian_var_95": -qs.value_at_risk(r, confidence=0.95),
        "gaussian_cvar_95": -qs.cvar(r, confidence=0.95),
        "best_month": qs.best(r, aggregate="ME"),
        "worst_month": qs.worst(r, aggregate="ME"),
        "best_year": qs.best(r, aggregate="YE"),
        "worst_year": qs.worst(r, aggregate="YE"),
    }


def by_numpy(r: pd.Series) -> dict[str, float]:
    return {
        "var_95": -np.quantile(r, 0.05, method="inverted_cdf"),
        "var_99": -np.quantile(r, 0.01, method="inverted_cdf"),
    }


def by_backtesting(aapl: pd.DataFrame) -> dict[str, object]:
    class Cross(backtesting.Strategy):
        def init(self) -> None:
            self.fast = self.I(backtesting.test.SMA, self.data.Close, 20)
            self.slow = self.I(backtesting.test.SMA, self.data.Close, 50)

        def next(self) -> None:
            if backtesting.lib.crossover(self.fast, self.slow):
                self.position.close()
                self.buy(size=100)
            elif backtesting.lib.crossover(self.slow, self.fast):
                self.position.close()
                self.sell(size=100)

    frame = aapl.rename(columns=str.capitalize)[["Open", "High", "Low", "Close", "Volume"]]
    stats = backtesting.Backtest(frame, Cross, cash=1_000_000, commission=0.0, finalize_trades=False).run()
    trades = stats["_trades"]
    wanted = {
        "win_rate": stats["Win Rate [%]"] / 100,
        "profit_factor": stats["Profit Factor"],
        "sqn": stats["SQN"],
        "max_drawdown": stats["Max. Drawdown [%]"] / 100,
        "max_drawdown_days": stats["Max. Drawdown Duration"].total_seconds() / 86_400,
        "average_drawdown_days": stats["Avg. Drawdown Duration"].total_seconds() / 86_400,
    }
    rows = [
        [
            int(t.Size),
            t.EntryTime.date().isoformat(),
            t.ExitTime.date().isoformat(),
            t.EntryPrice,
            t.ExitPrice,
            t.PnL,
            t.ReturnPct,
            int(t.ExitBar - t.EntryBar),
        ]
        for t in trades.itertuples()
    ]
    return {
        "stats": wanted,
        "trade_columns": ["size", "entry", "exit", "entry_price", "exit_price", "pnl", "return", "bars"],
        "trades": rows,
        "equity": [round(v, 4) for v in stats["_equity_curve"]["Equity"]],
    }


def main() -> None:
    aapl, r, b = series()
    packages = ("empyrical-reloaded", "quantstats", "backtesting", "numpy", "pandas", "bokeh_sampledata", "arch")
    golden = {
        "provenance": {
            "command": "/tmp/gold/bin/python tests/risk/golden/make_library_measures.py",
            "made": dt.date.today().isoformat(),  # noqa: DTZ011 - the maker's day, printed once
            "packages": {name: version(name) for name in packages},
            "series": "AAPL adj_close of bokeh_sampledata against S&P 500 close of arch.data, simple daily returns of common days",
            "first": r.index[0].date().isoformat(),
            "last": r.index[-1].date().isoformat(),
            "n": len(r),
        },
        "empyrical": by_empyrical(r, b),
        "quantstats": by_quantstats(r, b),
        "numpy": by_numpy(r),
        "backtesting": by_backtesting(aapl),
    }
    text = json.dumps(golden, indent=1, default=float)
    Path(__file__).with_name("library_measures.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
