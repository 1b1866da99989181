"""The public benchmark exports, with made-up scores for the catalog's own models.

Each model with text output has a score in two benchmarks at each of its providers, but not at the
last provider of a model with three or more. The same date always has the same bytes.
"""

import hashlib
import json
from datetime import UTC, date, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from .catalog import Catalog, Model
from .refusals import Refusal
from .router import Router
from .switches import Switches

DATASET = "benchmark-leaderboard"
_BENCHMARKS = ("gpqa-diamond", "tau2-bench-airline")
_COLUMNS = ("benchmark", "model", "provider", "accuracy", "accuracy_std_dev", "runs")
_NOT_ALL = 3  # providers from which one has no score
_ATTRIBUTION = "Source: a simulated OpenRouter; the scores are made up"


def export(request: Request, router: Router, _switches: Switches, now: float) -> Response:
    """One file of the exports: `latest` or a day up to today, as JSON, CSV or manifest."""
    today = datetime.fromtimestamp(now, UTC).date()
    path = str(request.path_params["path"])
    if path == "index.json":
        return _json({"datasets": [_manifest(router.catalog, today)]})
    dataset, _, file = path.partition("/")
    stem, _, kind = file.partition(".")
    day = today if stem == "latest" else _day(stem)
    if dataset != DATASET or day is None or day > today:
        raise Refusal(404, "Not Found")
    if kind == "manifest.json":
        return _json(_manifest(router.catalog, day))
    if kind == "json":
        return Response(_as_json(router.catalog, day), media_type="application/json")
    if kind == "csv":
        return PlainTextResponse(_as_csv(router.catalog, day), media_type="text/csv")
    raise Refusal(404, "Not Found")


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _json(value: Any) -> Response:
    return Response(json.dumps(value, indent=1), media_type="application/json")


def _manifest(catalog: Catalog, day: date) -> dict[str, Any]:
    files = {"csv": _as_csv(catalog, day).encode(), "json": _as_json(catalog, day)}
    return {
        "dataset": DATASET,
        "schema_version": "v1",
        "snapshot_date": day.isoformat(),
        "files": [
            {
                "path": f"{DATASET}/{day.isoformat()}.{kind}",
                "sha256": hashlib.sha256(body).hexdigest(),
                "bytes": len(body),
            }
            for kind, body in files.items()
        ],
    }


def _as_json(catalog: Catalog, day: date) -> bytes:
    head = {
        "dataset": DATASET,
        "title": "Simulated benchmark leaderboard, numbers made up",
        "schema_version": "v1",
        "snapshot_date": day.isoformat(),
        "retrieved_at": f"{day.isoformat()}T01:45:30.000Z",
        "update_cadence": "daily",
        "license": {
            "name": "CC BY 4.0",
            "url": "https://creativecommons.org/licenses/by/4.0/",
        },
        "attribution": _ATTRIBUTION,
        "columns": _COLUMNS,
    }
    return json.dumps({**head, "rows": _rows(catalog)}, indent=1).encode()


def _as_csv(catalog: Catalog, _day: date) -> str:
    lines = [_COLUMNS, *(tuple(row.values()) for row in _rows(catalog))]
    told = (",".join("" if each is None else str(each) for each in line) for line in lines)
    return "".join(f"{line}\n" for line in told)


def _rows(catalog: Catalog) -> list[dict[str, Any]]:
    models = (
        model
        for model in catalog.models
        if model.rows and "text" in model.outputs and ":" not in model.id
    )
    rows = [
        _row(benchmark, model, name)
        for model in models
        for benchmark in _BENCHMARKS
        for name in _scored(model)
    ]
    return sorted(rows, key=lambda row: (-row["accuracy"], row["model"], row["provider"]))


def _scored(model: Model) -> list[str]:
    names = list(dict.fromkeys(row.name for row in model.rows))
    return names[:-1] if len(names) >= _NOT_ALL else names


def _row(benchmark: str, model: Model, provider: str) -> dict[str, Any]:
    """A model's own level, and what a provider loses of it."""
    level = 450 + _dice(benchmark, model.canonical) % 400
    lost = _dice(benchmark, model.canonical, provider) % 150
    runs = 1 + _dice(provider, benchmark) % 4
    return {
        "benchmark": benchmark,
        "model": model.canonical,
        "provider": provider,
        "accuracy": (level - lost) / 1000,
        "accuracy_std_dev": None if runs == 1 else (5 + lost % 20) / 1000,
        "runs": runs,
    }


def _dice(*of: str) -> int:
    return int.from_bytes(hashlib.sha256("\n".join(of).encode()).digest()[:4])
