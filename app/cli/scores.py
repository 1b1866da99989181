"""`pointsman scores`: shows the kept benchmark scores; `scores fetch` fetches and keeps them."""

import asyncio
import time
from collections.abc import Sequence
from contextlib import closing, suppress
from decimal import Decimal
from typing import Any

from rich.text import Text

from ..catalog.scores import NotAnExport, Row, Scores, Snapshot
from ..errors import LedgerError, PolicyFileError, SettingsError, UpstreamError, reason_of
from ..exact_numbers import plainly
from ..ledger.lazy_store import is_shared
from ..openrouter.client import connect
from ..openrouter.score_copies import Kept, ScoreCopies, as_file, kept_of, today_by
from ..openrouter.score_exports import fetch_export
from ..settings import Settings
from ..suggest import did_you_mean
from ..wording import listed, plural
from .policies import book_of
from .terminal import Console, Table, print_json

_SECONDS = 60.0
_FIRST = "run `pointsman scores fetch`"


def kept_scores(settings: Settings) -> Scores:
    """The scores that a server with these settings would apply."""
    return _copies(settings).read(today_by(time.time))


def fetch_scores(settings: Settings, date: str | None) -> int:
    """Fetch an export, keep it, and print what was kept.

    Raises `SettingsError` if it can't be fetched, verified or kept; the scores kept before then
    stay in use.
    """
    copies = _copies(settings)
    try:
        body, snapshot, path = asyncio.run(_fetched(settings, date))
        kept = kept_of(snapshot, source=settings.upstream_url + path, now=time.time())
        _share(settings, copies.upstream, kept, body)
        copies.put(kept, body)
    except (NotAnExport, UpstreamError, LedgerError) as error:
        raise SettingsError(f"nothing was kept: {error}") from None
    except OSError as error:
        raise SettingsError(
            f"nothing was kept: {copies.folder} can't be written: {reason_of(error)}; "
            "set POINTSMAN_STATE to a folder that can"
        ) from None
    console = Console()
    console.print(f"kept the benchmark scores of {kept.snapshot_date}")
    console.print(f"sha256 {kept.sha256}")
    console.print(
        f"{plural(kept.rows, 'row')}, {plural(kept.models, 'model')}, "
        f"benchmarks: {listed(kept.benchmarks)}"
    )
    _print_source(console, kept)
    return 0


def _share(settings: Settings, upstream: str, kept: Kept, body: bytes) -> None:
    """Keep an export on a ledger that replicas share, from which each takes it over."""
    if not is_shared(settings.ledger()):
        return
    from ..ledger.store import Store  # noqa: PLC0415 - only then
    from ..record.score_mirror import export_of  # noqa: PLC0415

    with closing(Store.open(settings.ledger())) as store:
        store.keep_scores(upstream, export_of(as_file(kept), body), replace=True)


async def _fetched(settings: Settings, date: str | None) -> tuple[bytes, Snapshot, str]:
    openrouter = connect(
        settings.upstream_url,
        connect_timeout=settings.connect_timeout,
        read_timeout=min(settings.read_timeout, _SECONDS),
        transport=settings.transport,
    )
    try:
        return await fetch_export(openrouter, date)
    finally:
        await openrouter.aclose()


def show_scores(settings: Settings, model: str | None, *, as_json: bool) -> int:
    """Print the kept scores of a model, or of all; the exit code is 1 if there are none."""
    copies = _copies(settings)
    kept, scores = copies.kept(), kept_scores(settings)
    console = Console()
    if kept is None or scores.snapshot is None:
        if as_json:
            print_json({"date": None, "why_none": scores.why_none, "scores": []}, indent=2)
        else:
            console.print(f"{scores.why_none}; {_FIRST}")
        return 1
    scored = tuple(dict.fromkeys(map(scores.snapshot.slug_of, scores.snapshot.models)))
    models = scored if model is None else (_meant(model, settings),)
    rows = {name: scores.of(name, None).rows for name in models}
    if as_json:
        print_json(_as_json_object(kept, scores, rows), indent=2)
    else:
        days = plural(scores.age, "day")
        console.print(f"benchmark scores of {kept.snapshot_date}, {days} old")
        for name, found in rows.items():
            _print_model(console, name, found, scored)
        console.print()
        _print_source(console, kept)
    return 0 if any(rows.values()) else 1


def _copies(settings: Settings) -> ScoreCopies:
    return ScoreCopies(settings.state, settings.upstream_url)


def _meant(name: str, settings: Settings) -> str:
    """The model of an alias, without its variant; any other name in lower case."""
    with suppress(PolicyFileError):
        alias = book_of(settings).alias_of(name)
        name = alias.model if alias else name
    return name.strip().lower()


def _print_model(console: Console, model: str, rows: Sequence[Row], scored: Sequence[str]) -> None:
    console.print()
    if not rows:
        hint = did_you_mean(model, scored)
        console.print(f"{model}: no provider has a score{hint}")
        return
    versions = dict.fromkeys(row.model for row in rows if row.model != model)
    console.print(
        Text(model, style="bold").append("".join(f"  {each}" for each in versions), "dim")
    )
    table = Table()
    table.add_column("benchmark", no_wrap=True)
    table.add_column("provider", overflow="fold")
    for heading in ("accuracy", "std dev", "runs"):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in sorted(rows, key=lambda row: (row.benchmark, -row.accuracy, row.provider)):
        runs = "-" if row.runs is None else str(row.runs)
        figures = (_figure(row.accuracy), _figure(row.std_dev), runs)
        table.add_row(Text(row.benchmark), Text(row.provider), *map(Text, figures))
    console.print(table)


def _figure(share: Decimal | None) -> str:
    return "-" if share is None else f"{share:.3f}"


def _print_source(console: Console, kept: Kept) -> None:
    console.print(kept.attribution or f"Source: {kept.source}")
    console.print(f"licence: {kept.licence or 'not stated'}; fetched {kept.fetched_at}")


def _as_json_object(kept: Kept, scores: Scores, rows: dict[str, tuple[Row, ...]]) -> dict[str, Any]:
    return {
        "date": kept.snapshot_date,
        "age_days": scores.age,
        "sha256": kept.sha256,
        "source": kept.source,
        "fetched_at": kept.fetched_at,
        "licence": kept.licence,
        "attribution": kept.attribution,
        "scores": [
            {
                "model": row.model,
                "provider": row.provider,
                "benchmark": row.benchmark,
                "accuracy": _number(row.accuracy),
                "std_dev": _number(row.std_dev),
                "runs": row.runs,
            }
            for found in rows.values()
            for row in found
        ],
    }


def _number(share: Decimal | None) -> float | None:
    return None if share is None else float(plainly(share))
