"""Hostile requests, the OpenAPI document against the service itself, and a real server on the loopback."""

import http.client
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import schemathesis
import uvicorn
from fastapi.testclient import TestClient
from hypothesis import given, settings

from marketsim.api.app import create_app
from tests.published_runs import publish_run

HOSTILE = [
    "' OR 1=1 --",
    "'; DROP TABLE runs; --",
    "aaa' UNION SELECT config_json FROM configs --",
    "$name",
    "%00",
    "%2e%2e%2f%2e%2e%2fetc%2fpasswd",
    "..%2f..%2fcatalog.duckdb",
    "%ff%fe",
    "%F0%9F%92%A9",
    "{{7*7}}",
    "<script>alert(1)</script>",
    "a" * 8000,
]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("robust") / "warehouse"
    publish_run(root, "aaa", config={"token": "do-not-tell"})
    return root


@pytest.fixture(scope="module")
def client(root: Path) -> Iterator[TestClient]:
    with TestClient(create_app(root)) as client:
        yield client


@pytest.mark.parametrize("value", HOSTILE)
@pytest.mark.parametrize(
    "place", ["/runs/{}", "/runs/{}/report", "/runs/aaa/documents/{}", "/runs?name={}", "/runs?status={}", "/metrics?name={}", "/{}"]
)
def test_a_hostile_value_is_refused_in_a_sentence_and_tells_nothing(root: Path, client: TestClient, place: str, value: str) -> None:
    answer = client.get(place.format(value))
    assert answer.status_code in {404, 422}
    assert set(answer.json()) == {"error"}
    for secret in (str(root), "do-not-tell", "Traceback", "duckdb.", "Binder Error"):
        assert secret not in answer.text
    assert client.get("/health").json()["n_runs"] == 1


def test_a_document_that_was_not_published_is_not_served(root: Path, client: TestClient) -> None:
    (root / "runs" / "aaa" / "notes.txt").write_text("left here by somebody")
    assert client.get("/runs/aaa/documents/notes.txt").status_code == 404
    assert client.get("/runs/aaa/documents/manifest.json").status_code == 404


def test_another_site_may_not_read_answers(client: TestClient) -> None:
    answer = client.get("/runs", headers={"Origin": "https://elsewhere.example"})
    assert "access-control-allow-origin" not in answer.headers


PATHS = ["/health", "/runs", "/runs/{run_id}", "/runs/{run_id}/report", "/runs/{run_id}/documents/{name}", "/metrics"]


@pytest.mark.parametrize("path", PATHS)
def test_the_service_keeps_what_its_openapi_document_promises(root: Path, path: str) -> None:
    # Schemathesis' own pytest plugin does not know pytest 9; its strategies are plain Hypothesis.
    schema = schemathesis.openapi.from_asgi("/openapi.json", create_app(root))
    assert sorted(operation.ok().path for operation in schema.get_all_operations()) == sorted(PATHS)

    @given(schema[path]["GET"].as_strategy())
    @settings(max_examples=20)
    def conforms(case: schemathesis.Case) -> None:
        case.call_and_validate()

    conforms()


@contextmanager
def serving(root: Path) -> Iterator[int]:
    """Run a real server on a free port of the loopback for the block."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        server = uvicorn.Server(uvicorn.Config(create_app(root), log_level="error"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join(timeout=10)
            assert not thread.is_alive()


def test_a_real_server_answers_raw_and_broken_requests(root: Path) -> None:
    with serving(root) as port:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        connection.request("GET", "/metrics")
        answer = connection.getresponse()
        assert (answer.status, answer.getheader("Content-Type")) == (200, "application/json")
        etag = answer.getheader("ETag")
        answer.read()
        connection.request("GET", "/metrics", headers={"If-None-Match": etag or ""})
        answer = connection.getresponse()
        assert (answer.status, answer.read()) == (304, b"")
        connection.close()
        for path in (b"/../../etc/passwd", b"/runs/../../etc/passwd", b"//etc/passwd", b"/runs?limit=\xff", b"/runs?" + b"a=b&" * 5000):
            with socket.create_connection(("127.0.0.1", port), timeout=10) as raw:
                raw.sendall(b"GET " + path + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                status = int(raw.recv(4096).split(b" ", 2)[1])
                assert 400 <= status < 500, path
