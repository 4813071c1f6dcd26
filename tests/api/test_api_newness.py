"""ETags, new publications without a restart, and readers that a publisher never disturbs."""

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from marketsim.api.app import create_app
from tests.published_runs import publish_run


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    publish_run(tmp_path, "aaa")
    with TestClient(create_app(tmp_path)) as client:
        yield client


@pytest.mark.parametrize("path", ["/runs", "/runs/aaa", "/metrics"])
def test_an_answer_is_304_until_something_is_published(tmp_path: Path, client: TestClient, path: str) -> None:
    first = client.get(path)
    etag = first.headers["etag"]
    again = client.get(path, headers={"If-None-Match": etag})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)
    publish_run(tmp_path, "bbb")
    newer = client.get(path, headers={"If-None-Match": etag})
    assert newer.status_code == 200
    assert newer.headers["etag"] != etag


@pytest.mark.parametrize("sent", ["{etag}", "W/{etag}", '"other", {etag}', "*"])
def test_an_etag_is_known_in_every_form_http_allows(client: TestClient, sent: str) -> None:
    etag = client.get("/runs").headers["etag"]
    assert client.get("/runs", headers={"If-None-Match": sent.format(etag=etag)}).status_code == 304


def test_a_path_that_is_not_there_is_never_304(client: TestClient) -> None:
    assert client.get("/runs/zzz", headers={"If-None-Match": client.get("/runs").headers["etag"]}).status_code == 404


def test_an_etag_of_another_warehouse_is_not_known_here(tmp_path: Path, client: TestClient) -> None:
    publish_run(tmp_path / "other", "zzz")
    with TestClient(create_app(tmp_path / "other")) as other:
        assert other.get("/runs", headers={"If-None-Match": client.get("/runs").headers["etag"]}).status_code == 200


def test_an_answer_is_made_once_a_publication(tmp_path: Path, client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    from marketsim.api import queries

    asked: list[str] = []
    find_metrics = queries.find_metrics
    monkeypatch.setattr(queries, "find_metrics", lambda cursor, run_id: asked.append(run_id) or find_metrics(cursor, run_id))
    answers = {client.get("/metrics").content for _ in range(5)}
    assert (len(answers), asked) == (1, ["aaa"])
    publish_run(tmp_path, "bbb")
    client.get("/metrics")
    assert asked == ["aaa", "bbb"]


def test_a_run_appears_without_a_restart_even_when_the_warehouse_was_empty(tmp_path: Path) -> None:
    with TestClient(create_app(tmp_path / "later")) as client:
        assert client.get("/health").json()["n_runs"] == 0
        publish_run(tmp_path / "later", "aaa")
        assert client.get("/health").json()["n_runs"] == 1
        assert client.get("/metrics").json()["run"]["run_id"] == "aaa"


def test_many_readers_see_whole_versions_while_runs_are_published(tmp_path: Path, client: TestClient) -> None:
    """Run k is published by catalog version k, so a page of version k has exactly k runs, the newest of them run k."""
    stop = threading.Event()
    wrong: list[str] = []
    seen: set[int] = set()

    def read() -> None:
        last = 0
        while not stop.is_set():
            for path in ("/runs", "/metrics", "/health"):
                answer = client.get(path)
                body = json.loads(answer.content) if answer.status_code == 200 else {}
                version = body.get("catalog_version", -1)
                whole = body.get("total", body.get("n_runs", version)) == version and version >= last
                if path == "/metrics":
                    whole = whole and body["run"]["run_id"] == ("aaa" if version == 1 else f"run{version}")
                if not whole:
                    wrong.append(f"{path}: {answer.status_code} {answer.text[:200]} after version {last}")
                    return
                last = version
                seen.add(version)

    readers = [threading.Thread(target=read) for _ in range(6)]
    for reader in readers:
        reader.start()
    for version in range(2, 12):
        publish_run(tmp_path, f"run{version}")
    while 11 not in seen and not wrong:
        stop.wait(0.01)
    stop.set()
    for reader in readers:
        reader.join()
    assert wrong == []
    assert len(seen) > 2
