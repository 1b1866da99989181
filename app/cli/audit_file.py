"""Files of `--save` and `--since`: what an audit found, and its answers as hashes."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from app.auditing.judged import day_of
from app.auditing.task import Task, read_task
from app.errors import SettingsError, reason_of
from app.ledger.audits import Answer

if TYPE_CHECKING:
    from app.ledger.store import Store

FORMAT: Literal["pointsman-audit/1"] = "pointsman-audit/1"
LAST = "last"
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
    draft = file.with_name(f"{file.name}.partial")
    try:
        draft.write_bytes(msgspec.json.encode(saved) + b"\n")
        draft.replace(file)
    except OSError as error:
        raise SettingsError(f"can't write {file}: {reason_of(error)}") from error
    finally:
        draft.unlink(missing_ok=True)


def earlier(store: "Store", named: str, model: str | None) -> Saved:
    """The audit that `--since` names: a file of `--save`, an audit's id, or `last`.

    `last` is the newest of the model that has ended. Raises `SettingsError` if there is none.
    """
    file = Path(named)
    if file.exists():
        return _read(file)
    if named == LAST:
        ended = [each for each in store.audits(model, limit=100) if each.state == "finished"]
        audit = ended[0] if ended else None
    else:
        audit = store.audit(named)
    if audit is None:
        raise SettingsError(
            f"--since {named}: there is no such file, and the ledger has no such audit; "
            "pointsman audit --list shows those that it has"
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


def _read(file: Path) -> Saved:
    try:
        with file.open("rb") as opened:
            text = opened.read(_LARGEST + 1)
    except OSError as error:
        raise SettingsError(f"can't read {file}: {reason_of(error)}") from None
    if len(text) > _LARGEST:
        raise SettingsError(f"{file} is over {_LARGEST // 1_000_000} MB; no audit is")
    try:
        return msgspec.json.decode(text, type=Saved, strict=False)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise SettingsError(
            f"{file} is not an audit: {error}; write one with pointsman audit MODEL --save FILE"
        ) from None
