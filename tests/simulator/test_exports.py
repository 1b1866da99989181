"""The simulated benchmark exports: dated, the same each time, with the checksums that fit."""

import csv
import hashlib
import io
from collections import Counter

import pytest
from starlette.testclient import TestClient

from app.simulator import create_simulator

NOON = 1_795_262_400.0  # 2026-11-21
BASE = "/api/v1/datasets/exports"


@pytest.fixture
def client() -> TestClient:
    return TestClient(create_simulator(clock=lambda: NOON))


def test_the_manifest_names_dated_files_whose_checksums_fit(client: TestClient) -> None:
    manifest = client.get(f"{BASE}/benchmark-leaderboard/latest.manifest.json").json()
    assert manifest["snapshot_date"] == "2026-11-21"
    for file in manifest["files"]:
        body = client.get(f"{BASE}/{file['path']}").content
        assert (len(body), hashlib.sha256(body).hexdigest()) == (file["bytes"], file["sha256"])
    assert client.get(f"{BASE}/index.json").json() == {"datasets": [manifest]}


def test_json_and_csv_have_the_same_rows_and_not_every_host_has_a_score(client: TestClient) -> None:
    export = client.get(f"{BASE}/benchmark-leaderboard/latest.json").json()
    text = client.get(f"{BASE}/benchmark-leaderboard/latest.csv").text
    rows = [*csv.DictReader(io.StringIO(text))]
    assert [*rows[0]] == export["columns"]
    assert [row["provider"] for row in rows] == [row["provider"] for row in export["rows"]]
    accuracies = [row["accuracy"] for row in export["rows"]]
    assert accuracies == sorted(accuracies, reverse=True)
    assert all(0 < each < 1 for each in accuracies)
    assert all((row["accuracy_std_dev"] is None) == (row["runs"] == 1) for row in export["rows"])
    listed = client.get("/api/v1/models/qwen/qwen3-coder/endpoints").json()["data"]["endpoints"]
    hosts = {row["provider_name"] for row in listed}
    scored = Counter(
        row["provider"] for row in export["rows"] if "qwen3-coder-480b" in row["model"]
    )
    assert len(scored) == len(hosts) - 1
    assert set(scored.values()) == {2}


@pytest.mark.parametrize(
    "path",
    [
        *("benchmark-leaderboard/2026-11-22.json", "benchmark-leaderboard/then.json"),
        *("benchmark-leaderboard/2026-11-21.xml", "benchmark-runs/2026-11-21.json", "x"),
    ],
)
def test_there_are_no_other_files(client: TestClient, path: str) -> None:
    assert client.get(f"{BASE}/{path}").status_code == 404
