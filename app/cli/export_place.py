"""Where an export begins, and where it keeps how far it got, so that the next one goes on there."""

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Protocol

import msgspec

from ..errors import SettingsError, reason_of
from ..ledger.address import without_password
from ..ledger.bounds import MOST_WHOLE
from ..ledger.positions import Position
from ..ledger.wanted import Wanted
from ..wording import plural
from .one_at_a_time import held
from .terminal import Console
from .whole_file import must_be_writable, whole_file
from .words import command

if TYPE_CHECKING:
    from ..ledger.store import Store


class Place(Protocol):
    """Where to begin, and what becomes of the position once the receipts before it are written."""

    def alone(self) -> AbstractContextManager[None]:
        """Keep other exports from this place. Raises `SettingsError` if there is one already."""
        ...

    def begin(self, store: "Store", wanted: Wanted) -> Position:
        """Return the position to begin after. Raises `SettingsError` if it can't be found."""
        ...

    def keep(self, position: Position) -> None:
        """Keep a position; everything before it was written."""
        ...


class Beginning:
    """Begins with the first receipt, and keeps nothing."""

    def alone(self) -> AbstractContextManager[None]:
        """Keep no export from it: nothing is shared."""
        return nullcontext()

    def begin(self, store: "Store", wanted: Wanted) -> Position:
        """Return the position before the first receipt of the wanted time."""
        return Position(store.first_since(wanted.since, audit=wanted.audit) - 1)

    def keep(self, position: Position) -> None:
        """Keep nothing."""


class _Kept(msgspec.Struct, forbid_unknown_fields=True):
    """A position as a file has it."""

    seq: Annotated[int, msgspec.Meta(ge=0, le=MOST_WHOLE)]
    receipt: str | None


@dataclass(frozen=True, slots=True)
class AfterReceipt:
    """Begins after a receipt, for a program that knows what it has; keeps nothing."""

    receipt: str

    def alone(self) -> AbstractContextManager[None]:
        """Keep no export from it: nothing is shared."""
        return nullcontext()

    def begin(self, store: "Store", wanted: Wanted) -> Position:
        """Return the position after the receipt."""
        del wanted
        found = store.position_of(self.receipt)
        if found is None:
            raise SettingsError(
                f"--after: {without_password(store.url)} has no receipt {self.receipt}; "
                "give the whole id. If the receipt is deleted already, use --since with its time"
            )
        return found

    def keep(self, position: Position) -> None:
        """Keep nothing."""


@dataclass(frozen=True, slots=True)
class StateFile:
    """Begins where the last export with this file ended; at the beginning if there is no file."""

    file: Path

    def alone(self) -> AbstractContextManager[None]:
        """Hold the file `NAME.lock` beside it: two exports would each keep where they are."""
        must_be_writable(self.file)
        lock = self.file.with_name(f"{self.file.name}.lock")
        return held(
            lock, f"another export goes on with --state {self.file}; stop it, or name another file"
        )

    def begin(self, store: "Store", wanted: Wanted) -> Position:
        """Return the position in the file, which must be one of this ledger."""
        kept = self._read()
        if kept is None:
            return BEGINNING.begin(store, wanted)
        if not store.has_position(kept):
            raise SettingsError(
                f"--state {self.file} belongs to another ledger than "
                f"{without_password(store.url)}, or to one that was replaced or restored since; "
                "name another file, or remove this one to export everything anew"
            )
        return kept

    def keep(self, position: Position) -> None:
        """Replace the file, whole and on disk."""
        with whole_file(self.file) as file:
            file.write(msgspec.json.encode(_Kept(*position)) + b"\n")

    def _read(self) -> Position | None:
        try:
            kept = msgspec.json.decode(self.file.read_bytes(), type=_Kept)
            return Position(kept.seq, kept.receipt)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise SettingsError(f"can't read {self.file}: {reason_of(error)}") from error
        except msgspec.DecodeError:
            raise SettingsError(
                f"--state {self.file} was not written by {command()} export; name another file, "
                "which may be absent"
            ) from None


BEGINNING = Beginning()


def place_of(state: Path | None, after: str | None) -> Place:
    """Return the place that a command line names. Raises `SettingsError` if it names two."""
    if state is not None and after is not None:
        raise SettingsError("--state and --after both say where to begin; leave one out")
    if state is not None:
        return StateFile(state)
    return BEGINNING if after is None else AfterReceipt(after)


def tell_lost(store: "Store", position: Position) -> None:
    """Say on standard error if receipts after a position were deleted before they were read."""
    lost = store.lost_after(position)
    if lost:
        say(
            f"up to {plural(lost, 'receipt')} were deleted before they could be exported; export "
            "more often, or keep receipts for longer (POINTSMAN_LEDGER_KEEP, "
            "POINTSMAN_LEDGER_MAX_MB)"
        )


def say(text: str) -> None:
    """Print a text on standard error, as one line: a database's message may have several."""
    Console(stderr=True).print(" ".join(text.split()), soft_wrap=True)
