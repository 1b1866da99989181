"""Files of `--save` and `--since`: what an audit found, and its answers as hashes."""

import re
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from ..audit.decide import FEWEST
from ..audit.pool import POOL
from ..audit.sentences import DROPS
from ..auditing.judged import day_of
from ..auditing.task import Task, read_task
from ..errors import SettingsError, reason_of
from ..ledger.audits import Answer, Audit
from .whole_file import whole_file
from .words import command

if TYPE_CHECKING:
    from ..ledger.store import Store

FORMAT: Literal["pointsman-audit/1"] = "pointsman-audit/1"
LAST = "last"
_ID = re.compile(r"aud_[0-9a-z]{1,28}")
_SEEDS = 2**63
_LISTED = 100
_LARGEST = 64_000_000  # bytes; one of 30 endpoints with --deep takes some 20 MB


class Saved(msgspec.Struct, frozen=True, kw_only=True):
    """The answers of an earlier audit, to compare with, or to hand on."""

    format: Literal["pointsman-audit/1"] = FORMAT
    audit: str
    started_at: datetime
    task: Task
    found: dict[str, Any] | None
    answers: tuple[Answer, ...]

    @property
    def day(self) -> str:
        """The UTC date on which it began."""
        return day_of(self.started_at)


def save(file: Path, saved: Saved) -> None:
    """Write a file; it appears whole or not at all. Raises `SettingsError`."""
    with whole_file(file) as opened:
        opened.write(msgspec.json.encode(saved) + b"\n")


def earlier(store: "Store", named: str, model: str | None) -> Saved:
    """The audit that `--since` names: a file of `--save`, an audit's id, or `last`.

    `last` is the newest finished one of the model that compared with a reference: those of
    `--since` go on being compared with the same stored answers, so that two of them can agree.
    Raises `SettingsError` if there is none.
    """
    file = Path(named)
    if _may_exist(file):
        return _read(file)
    audit = _last(store, model) if named == LAST else store.audit(named)
    if audit is None:
        raise SettingsError(
            f"--since {named}: there is no such file, and the ledger has no such audit; "
            f"{command()} audit --list shows those that it has"
        )
    answers = store.answers(audit.id)
    if not any(each.dropped is None for each in answers):
        raise SettingsError(f"the answers of the audit {audit.id} are no longer kept")
    return Saved(
        audit=audit.id,
        started_at=audit.started_at,
        task=read_task(audit),
        found=None,
        answers=tuple(answers),
    )


def _last(store: "Store", model: str | None) -> Audit | None:
    ended = (each for each in store.audits(model, limit=_LISTED) if each.state == "finished")
    return next((each for each in ended if read_task(each).since is None), None)


def _may_exist(file: Path) -> bool:
    """Whether there is a file; True if that can't be told, as reading it says why."""
    try:
        return file.exists()
    except OSError:
        return True


def _read(file: Path) -> Saved:
    try:
        with file.open("rb") as opened:
            text = opened.read(_LARGEST + 1)
    except OSError as error:
        raise SettingsError(f"can't read {file}: {reason_of(error)}") from None
    if len(text) > _LARGEST:
        raise SettingsError(f"{file} is over {_LARGEST // 1_000_000} MB; no audit is")
    try:
        saved = msgspec.json.decode(text, type=Saved, strict=False)
        _check(saved)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError) as error:
        raise SettingsError(
            f"{file} is not an audit: {error}; write one with {command()} audit MODEL --save FILE"
        ) from None
    return saved


def _check(saved: Saved) -> None:
    """Raise `ValueError` for what no audit has: a file may be damaged, or made to do damage."""
    drawn = saved.task.drawn
    if not _ID.fullmatch(saved.audit):
        raise ValueError("its id is not one of an audit")
    if not FEWEST <= drawn.prompts <= len(POOL) or not 0 <= drawn.seed < _SEEDS:
        raise ValueError("its prompts can't be drawn")
    for each in saved.answers:
        if not 0 <= each.prompt < drawn.prompts or not 0 <= each.round < drawn.answers:
            raise ValueError("it has an answer to a prompt that was not asked")
        if each.dropped is not None and each.dropped not in DROPS:
            raise ValueError("it has an answer that was dropped for no known reason")
