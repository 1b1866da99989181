"""The copy of scores in a state folder follows the ledger's, which starts with the first copy."""

from pathlib import Path

import pytest

from app.catalog.scores import read_export
from app.errors import LedgerError
from app.ledger.score_exports import ScoreExport
from app.openrouter.score_copies import ScoreCopies, as_file, kept_of
from app.record.score_mirror import ScoreMirror, export_of
from tests.catalog.test_scores import CHECKSUM, EXPORT

KEPT = kept_of(read_export(EXPORT, CHECKSUM), source="https://openrouter.ai/x", now=0)
WHOLE = export_of(as_file(KEPT), EXPORT)


class Ledger:
    """Scores in memory, and how often they were read whole."""

    def __init__(self, export: ScoreExport | None = None) -> None:
        self.export = export
        self.reads = 0
        self.away = False

    @property
    def has_scores(self) -> bool:
        return self.export is not None

    def kept_scores(self, upstream: str) -> bytes | None:
        if self.away:
            raise LedgerError("can't read the ledger")
        return self.export.kept if self.export and upstream else None

    def scores(self, upstream: str) -> ScoreExport | None:
        assert upstream
        self.reads += 1
        return self.export

    def keep_scores(self, upstream: str, export: ScoreExport, *, replace: bool) -> None:
        assert upstream
        assert not replace
        self.export = self.export or export


def copies(folder: Path) -> ScoreCopies:
    return ScoreCopies(folder, "https://openrouter.ai/api/v1")


def test_an_empty_folder_gets_what_the_ledger_has_and_reads_it_once(tmp_path: Path) -> None:
    ledger, there = Ledger(WHOLE), copies(tmp_path)
    mirror = ScoreMirror(lambda: ledger, there)
    for _ in range(3):
        mirror.look()
    assert (there.kept(), there.raw(), ledger.reads) == (KEPT, (WHOLE.kept, EXPORT), 1)


def test_a_ledger_without_scores_gets_the_first_copy_and_keeps_it(tmp_path: Path) -> None:
    ledger, first, second = Ledger(), copies(tmp_path / "a"), copies(tmp_path / "b")
    ScoreMirror(lambda: ledger, first).look()
    assert not ledger.has_scores
    first.put(KEPT, EXPORT)
    ScoreMirror(lambda: ledger, first).look()
    assert ledger.export == WHOLE
    ScoreMirror(lambda: ledger, second).look()
    assert second.raw() == first.raw()


@pytest.mark.parametrize(
    "export",
    [
        WHOLE._replace(body=EXPORT + b" "),
        WHOLE._replace(kept=as_file(KEPT).replace(b"benchmark-leaderboard-", b"../x")),
    ],
    ids=["another body", "another folder"],
)
async def test_scores_that_are_not_what_is_said_of_them_are_left_and_told_once(
    tmp_path: Path, export: ScoreExport, caplog: pytest.LogCaptureFixture
) -> None:
    there = copies(tmp_path)
    mirror = ScoreMirror(lambda: Ledger(export), there)
    for _ in range(3):
        await mirror.begin()
    (line,) = (record.getMessage() for record in caplog.records)
    assert "do not have the checksum" in line
    assert there.raw() is None


async def test_a_ledger_that_is_away_changes_nothing(tmp_path: Path) -> None:
    ledger, there = Ledger(), copies(tmp_path)
    there.put(KEPT, EXPORT)
    ledger.away = True
    await ScoreMirror(lambda: ledger, there).begin()
    assert there.raw() == (WHOLE.kept, EXPORT)
