"""Plans: no question reads the whole ledger, so answers stay quick as it grows."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import event

from app.ledger.keep import Keep
from app.ledger.positions import Position
from app.ledger.stats import DIMENSIONS
from app.ledger.store import Store
from app.ledger.wanted import Wanted
from tests.ledger.receipts import START, receipt
from tests.ledger.traffic import traffic

RECEIPTS = traffic(300, days=40)
PART = Wanted(since=START + timedelta(days=2, minutes=3), until=START + timedelta(days=35.1))
NOW = START + timedelta(days=40)
SOME = Wanted(provider="novita", caller="aider", verdict="kept", model="qwen/qwen3-coder")

EACH: dict[str, Any] = {
    "alias": "fast",
    "user_agent": "*",
    "rule": "base",
    "status": 429,
    "refused": True,
    "failed": True,
    "ending": "empty",
    "defect": "tool_calls",
    "session": "s1",
    "path": "/v1/*",
    "dialect": "chat",
    "audit": "any",
}


def _newest(wanted: Wanted, store: Store) -> object:
    return store.recent(wanted, limit=50)


def _stats(wanted: Wanted, store: Store) -> object:
    return store.stats(wanted=wanted)


QUESTIONS: dict[str, Callable[[Store], object]] = {
    "stats": lambda store: store.stats(by=DIMENSIONS),
    "stats of a part": lambda store: store.stats(by=DIMENSIONS, wanted=PART),
    "stats of some": lambda store: store.stats(wanted=SOME),
    "series": lambda store: store.series(by=("rule",), now=NOW, distributions=True),
    "series by the minute": lambda store: store.series(
        wanted=Wanted(since=NOW - timedelta(hours=1)), now=NOW
    ),
    "newest": lambda store: store.recent(limit=50),
    "page": lambda store: store.recent(limit=50, before=RECEIPTS[100].id),
    "newer page": lambda store: store.recent(limit=50, after=RECEIPTS[100].id),
    "newer page of a model": lambda store: store.recent(
        Wanted(model="nobody/nothing"), limit=50, after=RECEIPTS[9].id
    ),
    "failed attempts": lambda store: store.failed_attempts(Wanted(since=START)),
    "scorecard": lambda store: store.scorecard(slug=str, wanted=Wanted(since=START)),
    "bound": lambda store: store.begin_of_newest(100, Wanted(since=START)),
    "stats by tool": lambda store: store.stats(by=("user_agent",), wanted=Wanted(since=START)),
    "newest since": lambda store: store.recent(Wanted(since=START), limit=50),
    "newest of a provider": lambda store: store.recent(Wanted(provider="novita"), limit=50),
    "newest of a verdict": lambda store: store.recent(Wanted(verdict="broken"), limit=50),
    "newest of a caller": lambda store: store.recent(Wanted(caller="aider"), limit=50),
    "newest of a model": lambda store: store.recent(Wanted(model="nobody/nothing"), limit=50),
    "newest of a model and more": lambda store: store.recent(
        Wanted(model="nobody/nothing", provider="novita"), limit=50, before=RECEIPTS[9].id
    ),
    "newest without a verdict": lambda store: store.recent(Wanted(verdict="none"), limit=50),
    "newest of some models": lambda store: store.recent(Wanted(model="qwen/*"), limit=50),
    "newest of a session": lambda store: store.recent(Wanted(session="s1"), limit=50),
    **{f"newest by {name}": partial(_newest, Wanted(**{name: EACH[name]})) for name in EACH},
    **{
        f"stats by {name}": partial(_stats, Wanted(**{name: EACH[name]}, since=START))
        for name in EACH
    },
    "stats of some models": lambda store: store.stats(wanted=Wanted(model="qwen/*")),
    "series of some": lambda store: store.series(wanted=Wanted(failed=True, since=START), now=NOW),
    "export": lambda store: store.written_after(7, Wanted(status=429, model="qwen/*")),
    "export between": lambda store: store.written_between(
        Position(7), Position(9), Wanted(status=429, model="qwen/*")
    ),
    "position": lambda store: store.newest_position(),
    "position of one": lambda store: store.position_of(RECEIPTS[0].id),
    "whose position": lambda store: store.has_position(Position(7, RECEIPTS[0].id)),
    "one": lambda store: store.get(RECEIPTS[0].id),
    "follow": lambda store: store.written_after(7),
    "end": lambda store: store.end(),
    "first since": lambda store: store.first_since(START),
    "write": lambda store: store.write([receipt(1, session="s1", provider="novita")]),
    "tidy": lambda store: store.tidy(NOW),
    "newest of one audit": lambda store: store.recent(Wanted(audit="aud_1"), limit=50),
    "audit": lambda store: store.audit("aud_1"),
    "audits": lambda store: store.audits(limit=10),
    "audits of a model": lambda store: store.audits("qwen/qwen3-coder", limit=10),
    "verdicts": lambda store: store.verdicts("qwen/qwen3-coder"),
    "history": lambda store: store.history("qwen/qwen3-coder", "novita/fp8", limit=10),
    "answers": lambda store: store.answers("aud_1"),
}

# Rows of a table in the order of an index that the question wants anyway, with a limit; or a table
# with one row for each combination of names, which does not grow with requests; or one made of what
# the question asks for; or the rules of one receipt; or an index of
# other names or of audits, which holds few rows.
HARMLESS = (
    *("USING INDEX receipts_started_at", "SCAN tally_keys", "SCAN anon_"),
    *("USING INDEX receipts_model_asked", "USING INDEX receipts_model_served"),
    *("receipts_audit", "USING INDEX audits_started_at", "SCAN (subquery"),
    *("SCAN asked", "CONSTANT", "SCAN json_each"),
)


@pytest.mark.parametrize("name", QUESTIONS)
def test_every_question_goes_by_an_index(tmp_path: Path, name: str) -> None:
    url = f"sqlite:///{tmp_path}/ledger.sqlite"
    store = Store.open(url, Keep(age=timedelta(days=30)))
    store.write(RECEIPTS)
    statements: list[tuple[str, Any]] = []

    def note(_1: Any, _2: Any, statement: str, parameters: Any, _4: Any, many: Any) -> None:
        statements.append((statement, parameters[0] if many else parameters))

    event.listen(sa.Engine, "before_cursor_execute", note)
    try:
        QUESTIONS[name](store)
    finally:
        event.remove(sa.Engine, "before_cursor_execute", note)
    plans = []
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        for statement, parameters in statements:
            if statement.startswith(("SELECT", "WITH", "DELETE", "UPDATE")):
                explained = f"EXPLAIN QUERY PLAN {statement}"
                plans += [row[-1] for row in connection.exec_driver_sql(explained, parameters)]
    scans = [step for step in plans if step.startswith("SCAN")]
    assert plans
    assert [step for step in scans if not any(each in step for each in HARMLESS)] == []
    store.close()
    engine.dispose()
