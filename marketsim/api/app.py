"""The HTTP service over a warehouse: it reads what is published and starts nothing by itself."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio.to_thread
from fastapi import FastAPI

import marketsim
from marketsim.api import pages, problems, routes
from marketsim.api.newest import Newest
from warehouse import settings

# A query is short and DuckDB uses every core for it; more threads than this only wait for each other.
THREADS = 16

DESCRIPTION = """
Published runs of the market laboratory, their metrics and documents.

Every answer from the catalog carries an `ETag` that changes with each publication: send it back as `If-None-Match` and an unchanged
answer costs a 304. A refusal is always `{"error": sentence}`. Times are UTC; a number that is not defined is `null`.
"""


def create_app(root: Path | None = None) -> FastAPI:
    """Return the application.

    Parameters
    ----------
    root : folder of the warehouse; left out = what MARKETSIM_WAREHOUSE names, else ``data``. It may be empty or missing still.
    """
    app = FastAPI(
        title="marketsim",
        version=marketsim.__version__,
        description=DESCRIPTION.strip(),
        docs_url=None,  # Swagger's page fetches its scripts from the network; pages.py has one that does not
        redoc_url=None,
        lifespan=_lifespan,
    )
    app.state.newest = Newest((root or settings.root()).resolve())
    app.include_router(routes.router)
    app.include_router(pages.router)
    problems.install(app)
    return app


@asynccontextmanager
async def _lifespan(_: FastAPI) -> AsyncIterator[None]:
    anyio.to_thread.current_default_thread_limiter().total_tokens = THREADS
    yield
