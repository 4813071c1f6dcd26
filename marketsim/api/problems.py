"""Every refusal of the API is ``{"error": sentence}``; what only the operator may know goes to the log."""

from __future__ import annotations

import logging

from fastapi import FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException as StarletteHTTPException

from marketsim.wording import expected
from warehouse.errors import WarehouseError

_log = logging.getLogger("marketsim.api")
_LONGEST = 80


def not_found(sentence: str) -> HTTPException:
    """Return the error that answers 404."""
    return HTTPException(404, sentence)


def shortened(text: str) -> str:
    """Return what a client sent as an answer may repeat it: quoted, on one line, at most 80 characters."""
    return repr(text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…")


def install(app: FastAPI) -> None:
    """Make every error of ``app`` a sentence."""
    app.add_exception_handler(StarletteHTTPException, _refused)
    app.add_exception_handler(RequestValidationError, _malformed)
    app.add_exception_handler(WarehouseError, _unreadable)
    app.add_exception_handler(Exception, _unexpected)


def _answer(status: int, sentence: str, headers: dict[str, str] | None = None) -> JSONResponse:
    return JSONResponse({"error": sentence}, status, {**(headers or {}), "Cache-Control": "no-store"})


def _refused(request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, StarletteHTTPException):
        raise error
    sentence = str(error.detail)
    if error.status_code == 404 and sentence == "Not Found":
        sentence = f"Nothing is at {shortened(request.url.path)}; /docs lists what is."
    elif error.status_code == 405:
        sentence = f"{request.method} is not possible here; this service only reads, use GET."
    return _answer(error.status_code, sentence, dict(error.headers or {}))


def _malformed(_: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, RequestValidationError):
        raise error
    sentences = []
    for fault in error.errors():
        name = ".".join(str(part) for part in fault["loc"][1:])
        if fault["type"] == "extra_forbidden":
            sentences.append(f"There is no parameter {shortened(name)} here; /docs lists the parameters.")
        else:
            sentences.append(f"Parameter {name} is {shortened(str(fault.get('input')))}; expected {expected(fault)}.")
    return _answer(422, " ".join(sentences))


def _unreadable(_: Request, error: Exception) -> JSONResponse:
    _log.error("the warehouse cannot be read: %s", error)
    return _answer(503, "The warehouse cannot be read at the moment; the log of the service says why.")


def _unexpected(_: Request, error: Exception) -> JSONResponse:
    _log.error("unexpected error", exc_info=error)
    return _answer(500, "The service met an unexpected error; its log says which.")
