"""What each path answers, from runs published by hand."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from marketsim.api.app import create_app
from tests.published_runs import METRICS, publish_run


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "secret-place" / "warehouse"


@pytest.fixture
def client(root: Path) -> Iterator[TestClient]:
    with TestClient(create_app(root), raise_server_exceptions=False) as client:
        yield client


def test_an_empty_warehouse_is_healthy_and_has_no_runs(client: TestClient) -> None:
    assert client.get("/health").json() == {"status": "ok", "version": "0.1.0", "catalog_version": 0, "n_runs": 0}
    assert client.get("/runs").json()["runs"] == []
    answer = client.get("/metrics")
    assert answer.status_code == 404
    assert answer.json() == {"error": "No run has been published yet; publish one with `marketsim run CONFIG`."}


def test_runs_come_newest_first_and_page_by_page(root: Path, client: TestClient) -> None:
    for run_id in ("aaa", "bbb", "ccc"):
        publish_run(root, run_id)
    assert [run["run_id"] for run in client.get("/runs").json()["runs"]] == ["ccc", "bbb", "aaa"]
    page = client.get("/runs", params={"limit": 1, "offset": 1}).json()
    assert [run["run_id"] for run in page["runs"]] == ["bbb"]
    assert (page["total"], page["limit"], page["offset"], page["catalog_version"]) == (3, 1, 1, 3)


def test_runs_are_filtered_by_name_and_status(root: Path, client: TestClient) -> None:
    publish_run(root, "aaa", name="nightly")
    publish_run(root, "bbb", name="sweep")
    publish_run(root, "ccc", name="nightly", status="failed")
    assert [run["run_id"] for run in client.get("/runs", params={"name": "nightly"}).json()["runs"]] == ["ccc", "aaa"]
    only = client.get("/runs", params={"name": "nightly", "status": "failed"}).json()
    assert [(run["run_id"], run["status_reason"]) for run in only["runs"]] == [("ccc", "gate cash_conserved failed")]
    assert only["total"] == 1


def test_a_run_tells_its_identity_metrics_counts_and_documents(root: Path, client: TestClient) -> None:
    publication = publish_run(root, "aaa", documents={"report.html": "<p>x", "metrics.json": "{}"})
    run = client.get("/runs/aaa").json()
    assert run["digest"] == publication.digest
    assert (run["seed"], run["start_date"], run["end_date"]) == (7, "2020-01-02", "2020-01-03")
    assert run["counts"] == {"configs": 1, "equity": 2, "metrics": len(METRICS), "runs": 1}
    assert [document["name"] for document in run["documents"]] == ["metrics.json", "report.html"]
    for document in run["documents"]:
        assert len(client.get(document["href"]).content) == document["n_bytes"]


def test_metrics_are_grouped_by_agent_and_an_undefined_one_is_null(root: Path, client: TestClient) -> None:
    publish_run(root, "aaa")
    agents = client.get("/runs/aaa").json()["agents"]
    assert [agent["agent"] for agent in agents] == ["strategy", "dip_buyer", "benchmark"]
    assert agents[0]["metrics"] == {"sharpe": {"value": None, "unit": "ratio"}, "total_return": {"value": 1.0, "unit": "fraction"}}


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_a_number_json_does_not_know_is_null(root: Path, client: TestClient, value: float) -> None:
    publish_run(root, "aaa", metrics=[("strategy", "strategy", "calmar", value, "ratio")])
    answer = client.get("/metrics")
    assert "NaN" not in answer.text
    assert answer.json()["agents"][0]["metrics"]["calmar"]["value"] is None


def test_metrics_are_those_of_the_newest_run_or_of_the_newest_of_a_name(root: Path, client: TestClient) -> None:
    publish_run(root, "aaa", name="nightly")
    publish_run(root, "bbb", name="sweep")
    assert client.get("/metrics").json()["run"]["run_id"] == "bbb"
    assert client.get("/metrics", params={"name": "nightly"}).json()["run"]["run_id"] == "aaa"
    assert client.get("/metrics", params={"name": "other"}).json() == {
        "error": "No run named 'other' has been published yet; publish one with `marketsim run CONFIG`."
    }


def test_a_report_is_served_as_published_and_sealed_off(root: Path, client: TestClient) -> None:
    publish_run(root, "aaa", documents={"report.html": "<!doctype html><p>tear sheet"})
    answer = client.get("/runs/aaa/report")
    assert answer.text == "<!doctype html><p>tear sheet"
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "sandbox" in answer.headers["content-security-policy"]


def test_a_run_without_a_report_says_what_it_has(root: Path, client: TestClient) -> None:
    publish_run(root, "aaa", documents={"metrics.json": "{}"})
    answer = client.get("/runs/aaa/report")
    assert (answer.status_code, answer.json()) == (404, {"error": "Run aaa has no document 'report.html'; it has metrics.json."})


@pytest.mark.parametrize("path", ["/runs/zzz", "/runs/zzz/report", "/runs/zzz/documents/report.html"])
def test_an_unknown_run_is_a_404_in_a_sentence(root: Path, client: TestClient, path: str) -> None:
    publish_run(root, "aaa")
    answer = client.get(path)
    assert (answer.status_code, answer.json()) == (404, {"error": "There is no published run 'zzz'; /runs lists them."})


def test_unknown_paths_and_methods_are_answered_in_sentences(client: TestClient) -> None:
    assert client.get("/run").json() == {"error": "Nothing is at '/run'; /docs lists what is."}
    answer = client.post("/runs")
    assert (answer.status_code, answer.json()) == (405, {"error": "POST is not possible here; this service only reads, use GET."})


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("limit=0", "Parameter limit is '0'; expected a number of at least 1."),
        ("limit=many", "Parameter limit is 'many'; expected a whole number."),
        ("status=ok", "Parameter status is 'ok'; expected 'success' or 'failed'."),
        ("nmae=nightly", "There is no parameter 'nmae' here; /docs lists the parameters."),
    ],
)
def test_a_wrong_parameter_is_a_422_in_a_sentence(client: TestClient, query: str, expected: str) -> None:
    answer = client.get(f"/runs?{query}")
    assert (answer.status_code, answer.json()) == (422, {"error": expected})


def test_a_damaged_warehouse_is_a_503_that_names_no_path(root: Path, client: TestClient, caplog: pytest.LogCaptureFixture) -> None:
    publish_run(root, "aaa")
    (root / "catalog.duckdb").unlink()
    for path in ("/health", "/runs", "/runs/aaa", "/metrics", "/"):
        answer = client.get(path)
        assert answer.status_code == 503, path
        assert answer.json() == {"error": "The warehouse cannot be read at the moment; the log of the service says why."}
    assert str(root) in caplog.text


def test_pages_need_no_network_and_name_every_path(root: Path, client: TestClient) -> None:
    assert "Nothing has been published yet" in client.get("/").text
    publish_run(root, "aaa", name="nightly")
    landing, reference = client.get("/").text, client.get("/docs").text
    assert '<a href="/runs/aaa">' in landing
    for path in client.get("/openapi.json").json()["paths"]:
        assert f"GET {path}" in reference
    for page in (landing, reference):
        assert "http://" not in page
        assert "https://" not in page
        assert "<script" not in page


def test_the_openapi_document_has_an_example_for_every_answer(client: TestClient) -> None:
    document = client.get("/openapi.json").json()
    for path, methods in document["paths"].items():
        content = methods["get"]["responses"]["200"].get("content", {})
        if "application/json" in content:
            name = content["application/json"]["schema"]["$ref"].rpartition("/")[2]
            assert document["components"]["schemas"][name]["examples"], path
