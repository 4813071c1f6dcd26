"""Where a run's data come from: one section a kind of provider."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from marketsim.config.model import Model


class SampleProvider(Model):
    """Real daily bars that ship with the installed packages: AAPL, MSFT, IBM, GOOG, FB, ^GSPC, ^IXIC."""

    kind: Literal["sample"] = "sample"


class FileProvider(Model):
    """The user's own CSV or Parquet files."""

    kind: Literal["file"] = "file"
    path: str = Field(description="File, or a pattern with {symbol}; relative paths start at the config file's folder.", min_length=1)
    columns: dict[str, str] = Field(
        default_factory=dict,
        description="Canonical name → name in the file. "
        "Names: time, symbol, open, high, low, close, adj_close, volume, split_ratio, dividend_cash.",
    )
    timezone: str = Field("UTC", description="IANA zone of times written without an offset; dates alone need none.")


class YahooProvider(Model):
    """Yahoo Finance through yfinance; needs the `online` extra and a network."""

    kind: Literal["yahoo"] = "yahoo"
    requests_per_minute: float = Field(60.0, gt=0, description="Own limit, requests a minute.")


class PolygonProvider(Model):
    """Polygon (Massive) aggregates; needs the `online` extra, a network and a key in the environment."""

    kind: Literal["polygon"] = "polygon"
    api_key_env: str = Field("POLYGON_API_KEY", description="Name of the environment variable that holds the key.")
    requests_per_minute: float = Field(5.0, gt=0, description="Own limit, requests a minute; 5 is the free tier's.")


class RecordingProvider(Model):
    """Bars of a recorded order flow; in the replay market the flow itself is what orders meet."""

    kind: Literal["recording"] = "recording"
    path: str = Field(
        description="File of the recording, LOBSTER's message file; {symbol} stands for the symbol; relative paths start at the config "
        "file's folder.",
        min_length=1,
    )
    more_paths: list[str] = Field(
        default_factory=list,
        description="Further files of the same recording: LOBSTER's order book file where it has another name or place, later captures, "
        "Binance's trades and quotes beside its depth in Parquet.",
    )
    format: Literal["lobster", "itch", "binance", "coinbase", "stream"] | None = Field(
        None, description="Format of the files; left out = told by them. `stream` is what `marketsim replay` writes."
    )
    initial: str | None = Field(None, description="LOBSTER: order book file whose first row is a deeper opening state.")
    prices: Literal["trades", "mids"] = Field(
        "trades", description="What bars are made of: prints, or the mid of the best bid and ask after each event."
    )


Provider = Annotated[
    SampleProvider | FileProvider | YahooProvider | PolygonProvider | RecordingProvider,
    Field(discriminator="kind"),
]
