"""The paths of the API: each asks the newest catalog once and keeps the ready bytes until something new is published."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import duckdb
from fastapi import APIRouter, Header, Query, Request, Response
from fastapi import Path as PathParameter
from fastapi.responses import FileResponse
from pydantic import BaseModel

import marketsim
from marketsim.api import queries
from marketsim.api.models import Document, Health, Metrics, Page, Problem, RunDetail, Runs, Which
from marketsim.api.newest import Newest, Version
from marketsim.api.problems import not_found, shortened
from warehouse import manifest
from warehouse.layout import Layout

MEDIA_TYPES = {".html": "text/html; charset=utf-8", ".json": "application/json", ".png": "image/png", ".csv": "text/csv; charset=utf-8"}

# A report is a published file, so its own scripts run, but sealed off: no network, no cookies, no access to this service.
SEALED = (
    "sandbox allow-scripts allow-popups; default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; "
    "style-src 'unsafe-inline'; img-src data: blob:; font-src data:"
)

Known = Annotated[str | None, Header(alias="If-None-Match", description="ETag of an earlier answer; still current = 304 without a body.")]
RunId = Annotated[str, PathParameter(description="Id of a published run.", examples=["3f9c2a51b7e0"])]

_UNREADABLE: dict[int | str, dict[str, Any]] = {503: {"model": Problem, "description": "The warehouse cannot be read."}}
_CACHED: dict[int | str, dict[str, Any]] = {
    200: {"headers": {"ETag": {"description": "Changes with every publication.", "schema": {"type": "string"}}}},
    304: {"description": "Nothing was published since the answer with this ETag."},
    422: {"model": Problem, "description": "A parameter is not as described."},
    **_UNREADABLE,
}
_MISSING: dict[int | str, dict[str, Any]] = {404: {"model": Problem, "description": "No such run, or nothing is published yet."}}

router = APIRouter()


@router.get("/health", response_model=Health, responses=_UNREADABLE, tags=["service"], summary="Whether the warehouse can be read")
def health(request: Request) -> Response:
    """Tell the version of the service and of the newest catalog; 503 when the warehouse cannot be read."""
    newest = _newest(request)
    version = newest.version()
    with newest.cursor(version) as cursor:
        found = Health(status="ok", version=marketsim.__version__, catalog_version=version.number, n_runs=queries.count_runs(cursor))
    return Response(_bytes(found), media_type="application/json", headers={"Cache-Control": "no-store"})


@router.get("/runs", response_model=Runs, responses=_CACHED, tags=["runs"], summary="Published runs, newest first")
def runs(request: Request, page: Annotated[Page, Query()], known: Known = None) -> Response:
    """List the published runs page by page, all of them or those of a name or a status."""

    def make(version: Version, cursor: duckdb.DuckDBPyConnection) -> BaseModel:
        total = queries.count_runs(cursor, page.name, page.status)
        found = queries.find_runs(cursor, page)
        return Runs(catalog_version=version.number, total=total, limit=page.limit, offset=page.offset, runs=found)

    return _cached(request, known, f"runs {page!r}", make)


@router.get("/runs/{run_id}", response_model=RunDetail, responses={**_CACHED, **_MISSING}, tags=["runs"], summary="One run")
def run(request: Request, run_id: RunId, known: Known = None) -> Response:
    """Tell a run's identity, its metrics by agent, the rows it published, and where its documents are."""

    def make(_: Version, cursor: duckdb.DuckDBPyConnection) -> BaseModel:
        found = _found_run(cursor, run_id)
        listed = manifest.read(Layout(_newest(request).root).manifest(found.run_id)).documents
        documents = [Document(name=d.name, n_bytes=d.n_bytes, href=f"/runs/{found.run_id}/documents/{d.name}") for d in listed]
        return found.model_copy(update={"documents": documents})

    return _cached(request, known, f"run {run_id}", make)


@router.get(
    "/runs/{run_id}/report",
    response_class=FileResponse,
    responses={200: {"content": {"text/html": {}}, "description": "The tear sheet."}, **_MISSING, **_UNREADABLE},
    tags=["runs"],
    summary="A run's HTML report",
)
def report(request: Request, run_id: RunId) -> Response:
    """Return the run's tear sheet, one self-contained page."""
    return document(request, run_id, "report.html")


@router.get(
    "/runs/{run_id}/documents/{name}",
    response_class=FileResponse,
    responses={200: {"content": {"application/octet-stream": {}}, "description": "The file."}, **_MISSING, **_UNREADABLE},
    tags=["runs"],
    summary="A file that was published with a run",
)
def document(
    request: Request, run_id: RunId, name: Annotated[str, PathParameter(description="Name of the document.", examples=["metrics.json"])]
) -> Response:
    """Return a document exactly as it was published; `/runs/{run_id}` lists them."""
    newest = _newest(request)
    with newest.cursor(newest.version()) as cursor:
        found = _found_run(cursor, run_id)
    layout = Layout(newest.root)
    listed = {entry.name: entry for entry in manifest.read(layout.manifest(found.run_id)).documents}
    if name not in listed:
        raise not_found(f"Run {found.run_id} has no document {shortened(name)}; it has {', '.join(listed) or 'none'}.")
    path = layout.run_folder(found.run_id) / name
    headers = {"Content-Security-Policy": SEALED, "X-Content-Type-Options": "nosniff", "ETag": f'"{listed[name].sha256}"'}
    return FileResponse(path, media_type=MEDIA_TYPES.get(Path(name).suffix, "application/octet-stream"), headers=headers)


@router.get("/metrics", response_model=Metrics, responses={**_CACHED, **_MISSING}, tags=["metrics"], summary="Metrics of the newest run")
def metrics(request: Request, which: Annotated[Which, Query()], known: Known = None) -> Response:
    """Return the metrics of the newest published run, or of the newest of a name, by agent."""

    def make(version: Version, cursor: duckdb.DuckDBPyConnection) -> BaseModel:
        found = queries.find_runs(cursor, Page(limit=1, name=which.name))
        if not found:
            named = f" named {shortened(which.name)}" if which.name else ""
            raise not_found(f"No run{named} has been published yet; publish one with `marketsim run CONFIG`.")
        return Metrics(catalog_version=version.number, run=found[0], agents=queries.find_metrics(cursor, found[0].run_id))

    return _cached(request, known, f"metrics {which!r}", make)


def _newest(request: Request) -> Newest:
    newest = request.app.state.newest
    assert isinstance(newest, Newest)
    return newest


def _found_run(cursor: duckdb.DuckDBPyConnection, run_id: str) -> RunDetail:
    found = queries.find_run(cursor, run_id)
    if found is None:
        raise not_found(f"There is no published run {shortened(run_id)}; /runs lists them.")
    return found


def _cached(request: Request, known: str | None, key: str, make: Callable[[Version, duckdb.DuckDBPyConnection], BaseModel]) -> Response:
    """Answer 304 when the client has what is current, else the kept or newly made bytes."""
    newest = _newest(request)
    version = newest.version()
    headers = {"ETag": version.etag, "Cache-Control": "no-cache"}
    content = newest.answer(version, key, lambda cursor: _bytes(make(version, cursor)))
    if known is not None and (known.strip() == "*" or version.etag in (tag.strip().removeprefix("W/") for tag in known.split(","))):
        return Response(status_code=304, headers=headers)
    return Response(content, media_type="application/json", headers=headers)


def _bytes(answer: BaseModel) -> bytes:
    return answer.model_dump_json().encode()
