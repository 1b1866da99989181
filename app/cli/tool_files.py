"""The configuration files of tools: found as the tool finds them, read, written, put back."""

import hashlib
import os
import stat
import sys
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import msgspec

from ..errors import SettingsError, reason_of
from ..suggest import did_you_mean
from ..tools.editing import Edit, absent_of, edited, taken_out
from ..tools.filling import Target, edit_of, place_of
from ..tools.not_editable import NotEditable
from ..tools.table import TOOLS
from ..tools.tool import Config, Tool
from .whole_file import must_be_writable, whole_file
from .words import command

LARGEST = 4_000_000  # bytes
_NEW_MODE = 0o600
# Files of llm: one that is not there yet is made at the end of its link.
_MADE_LATER = ("logs.db", "keys.json", "aliases.json", "default_model.txt", "model_options.json")


def must_be_known(name: str, *, launched: bool = False) -> Tool:
    """The tool of this name. Raises `SettingsError` with the nearest one that there is."""
    names = {each: tool for key, tool in TOOLS.items() for each in (key, *tool.names)}
    able = {each: tool for each, tool in names.items() if tool.launch and tool.config}
    if name in able:
        return able[name]
    if name in names:
        raise SettingsError(
            f"{name} is not one program; set {names[name].setting}, or run a program that uses it "
            f"with {command()} launch --env PROGRAM"
        )
    hint = did_you_mean(name, able) or f"; known ones are {', '.join(sorted(able))}"
    other = f"; {command()} launch --env {name} runs any program" if launched else ""
    raise SettingsError(f"no recipe for the tool {name!r}{hint}{other}")


def file_of(config: Config) -> Path:
    """The configuration file that the tool would read, or create."""
    try:
        home = str(Path.home())
    except RuntimeError:
        raise SettingsError("this user has no home folder; set HOME") from None
    variables = {"HOME": home, **os.environ}
    variables["XDG_CONFIG_HOME"] = os.environ.get("XDG_CONFIG_HOME") or f"{home}/.config"
    mac = f"{home}/Library/Application Support"
    variables["APPLICATIONS"] = mac if sys.platform == "darwin" else variables["XDG_CONFIG_HOME"]
    return Path(place_of(config, variables, os.path.lexists)).expanduser()


def text_of(file: Path) -> str | None:
    """The text of a file; None if there is none. Raises `SettingsError`."""
    try:
        if not file.is_file():
            if os.path.lexists(file) and not (file.is_symlink() and not file.exists()):
                raise SettingsError(f"{file} is not a file; move it away")
            return None
        if file.stat().st_size > LARGEST:
            raise SettingsError(f"{file} has over {LARGEST / 1e6:g} MB; edit it by hand")
        with file.open(encoding="utf-8", newline="") as opened:
            return opened.read()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"can't read {file}: {reason_of(error)}") from None


def set_in(file: Path, config: Config, text: str, edit: Edit) -> str:
    """The text of a file with an edit made. Raises `SettingsError` naming the line."""
    try:
        absent = absent_of(config.kind, text, edit.if_absent)
        return edited(config.kind, text, {**edit.values, **absent})
    except NotEditable as error:
        raise SettingsError(
            f"{_at(file, error)}: {error.problem}; correct it, or put in by hand what "
            f"{command()} connect TOOL prints"
        ) from None


def filled_copy(config: Config, target: Target) -> tuple[Path, str]:
    """The tool's own file, and its text with what belongs into it for this run."""
    file = file_of(config)
    return file, set_in(file, config, text_of(file) or "", edit_of(config, target, plain=True))


def link_neighbours(original: Path, folder: Path) -> None:
    """Link what is beside a file into a folder, so that a tool finds the rest of its own there."""
    original.parent.mkdir(parents=True, exist_ok=True)
    names = {*_MADE_LATER, *(each.name for each in original.parent.iterdir())} - {original.name}
    for name in names:
        (folder / name).symlink_to(original.parent / name)


class Note(msgspec.Struct, frozen=True):
    """What `--write` did to a file, so that `--undo` can put it back."""

    file: str
    existed: bool
    before: str  # a digest
    after: str
    values: list[tuple[list[str], object]]
    if_absent: list[tuple[list[str], object]]


class Written(NamedTuple):
    """A file that `--write` wrote: its text before and after, and the edit."""

    before: str | None
    after: str
    edit: Edit


def backup_of(file: Path) -> Path:
    """Where the file is kept as it was before; beside the file itself, if that is a link."""
    real = real_file(file)
    return real.with_name(f"{real.name}.before-pointsman")


def real_file(file: Path) -> Path:
    """The file behind a link. Raises `SettingsError` for a link that leads round in a circle."""
    try:
        return file.resolve(strict=False)
    except (OSError, RuntimeError) as error:
        raise SettingsError(f"can't follow {file}: {error}") from None


def must_take(file: Path) -> int:
    """The mode that a file has, or will get. Raises `SettingsError` if it can't be written."""
    real = real_file(file)
    try:
        real.parent.mkdir(parents=True, exist_ok=True)
        mode = stat.S_IMODE(real.stat().st_mode) if real.exists() else _NEW_MODE
    except OSError as error:
        raise SettingsError(f"can't write {file}: {reason_of(error)}") from None
    if not mode & stat.S_IWUSR:
        raise SettingsError(f"{file} is read-only; chmod u+w it, or put it in by hand")
    must_be_writable(real)
    return mode


def write(file: Path, text: str) -> None:
    """Replace a file's text at once, with its mode; a link to it stays one."""
    mode, real = must_take(file), real_file(file)
    with whole_file(real) as opened:
        os.fchmod(opened.fileno(), mode)
        opened.write(text.encode("utf-8"))


class Notes:
    """What was written, in the state folder; files are known by their paths."""

    def __init__(self, state: Path) -> None:
        self._folder = state / "connected"

    def of(self, file: Path, config: Config) -> Written | None:
        """What was written to a file; None if nothing was, or its backup is not what it was.

        Raises `SettingsError` if the note is there and the backup is not.
        """
        try:
            note = msgspec.json.decode(self._place(file).read_bytes(), type=Note)
        except FileNotFoundError:
            return None
        except (OSError, msgspec.DecodeError) as error:
            raise SettingsError(f"can't read {self._place(file)}: {error}") from None
        before = text_of(backup_of(file)) if note.existed else ""
        if before is None or digest(before) != note.before:
            raise SettingsError(
                f"{backup_of(file)} is gone or was changed, so what was there before is not known; "
                f"edit {file} by hand, and remove {self._place(file)}"
            )
        values = {tuple(path): value for path, value in note.values}
        absent = {tuple(path): value for path, value in note.if_absent}
        edit = Edit(values, absent, config.whole)
        after = set_in(file, config, before, edit)
        if digest(after) != note.after:
            raise SettingsError(
                f"another version of Pointsman edited {file}; its backup is {backup_of(file)}"
            )
        return Written(before if note.existed else None, after, edit)

    def keep(self, file: Path, written: Written) -> None:
        """Note what is about to be written to a file, with a backup beside it."""
        edit = written.edit
        note = Note(
            file=str(file),
            existed=written.before is not None,
            before=digest(written.before or ""),
            after=digest(written.after),
            values=[(list(path), value) for path, value in edit.values.items()],
            if_absent=[(list(path), value) for path, value in edit.if_absent.items()],
        )
        must_take(file)
        backup = backup_of(file)
        if backup.exists() and not self._place(file).exists():
            raise SettingsError(f"{backup} exists already and would be overwritten; move it away")
        if written.before is not None:
            mode = stat.S_IMODE(real_file(file).stat().st_mode)
            with whole_file(backup) as opened:
                os.fchmod(opened.fileno(), mode)
                opened.write(written.before.encode("utf-8"))
        place = self._place(file)
        place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with whole_file(place) as opened:
            os.fchmod(opened.fileno(), _NEW_MODE)
            opened.write(msgspec.json.encode(note))

    def forget(self, file: Path) -> None:
        """Remove the note and the backup of a file that was put back."""
        for each in (self._place(file), backup_of(file)):
            with suppress(FileNotFoundError):
                each.unlink()
        with suppress(OSError):  # as long as other notes are in it
            self._folder.rmdir()

    def _place(self, file: Path) -> Path:
        return self._folder / f"{digest(str(file.absolute()))[:16]}.json"


def without_ours(file: Path, config: Config, now: str, written: Written) -> str:
    """The text of a file without what was written. Raises `SettingsError` if that has changed."""
    try:
        return taken_out(
            config.kind,
            before=written.before or "",
            after=written.after,
            now=now,
            edit=written.edit,
        )
    except NotEditable as error:
        raise SettingsError(
            f"{_at(file, error)} was changed since: {error.problem}; "
            f"edit it by hand (before, it was {backup_of(file)})"
        ) from None


def digest(text: str) -> str:
    """A digest by which a text is known again."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def _at(file: Path, error: NotEditable) -> str:
    return str(file) if error.line is None else f"{file}:{error.line}"
