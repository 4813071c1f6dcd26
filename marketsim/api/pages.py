"""The pages a browser sees: where things are, and the reference of the API; both work without a network."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, select_autoescape

import marketsim
from marketsim.api import queries
from marketsim.api.models import Page

SHOWN_RUNS = 10

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)
_templates = Environment(loader=PackageLoader("marketsim.api"), autoescape=select_autoescape(), trim_blocks=True, lstrip_blocks=True)
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",
}


@router.get("/")
def landing(request: Request) -> HTMLResponse:
    """Show the newest runs and where everything is."""
    newest = request.app.state.newest
    version = newest.version()
    with newest.cursor(version) as cursor:
        runs = queries.find_runs(cursor, Page(limit=SHOWN_RUNS))
        total = queries.count_runs(cursor)
    return _page("landing.html", runs=runs, total=total, catalog_version=version.number)


@router.get("/docs")
def reference(request: Request) -> HTMLResponse:
    """Show every path with its parameters and an example answer, from the OpenAPI document."""
    return _page("reference.html", operations=_operations(request.app.openapi()))


def _page(template: str, **values: Any) -> HTMLResponse:
    return HTMLResponse(_templates.get_template(template).render(version=marketsim.__version__, **values), headers=_HEADERS)


def _operations(openapi: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what the reference shows of each path."""
    schemas = openapi["components"]["schemas"]
    operations = []
    for path, methods in openapi["paths"].items():
        operation = methods["get"]
        answer = operation["responses"]["200"].get("content", {}).get("application/json", {}).get("schema", {}).get("$ref", "")
        schema = schemas.get(answer.rpartition("/")[2], {})
        operations.append(
            {
                "path": path,
                "summary": operation["summary"],
                "description": operation["description"],
                "parameters": operation.get("parameters", []),
                "fields": schema.get("properties", {}),
                "example": next(iter(schema.get("examples", ())), None),
            }
        )
    return operations
