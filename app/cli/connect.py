"""`pointsman connect`: points a tool at Pointsman in its own configuration file, or says how.

Rule 1  Without `--write` and `--undo`, nothing is changed.
Rule 2  What `--write` does, `--undo` undoes: to the byte if the file is as it was written, else by
        taking out what was written, if that is unchanged.
Rule 3  No caller key is written. A file refers to it by the name of a variable, if the tool can.
"""

import shlex
from pathlib import Path

from ..errors import SettingsError, reason_of
from ..settings import Settings
from ..tools.filling import Target, edit_of
from ..tools.tool import KEY_VARIABLE, Config
from .running import Running
from .tool_files import (
    Notes,
    Written,
    backup_of,
    file_of,
    must_be_known,
    real_file,
    set_in,
    text_of,
    without_ours,
    write,
)
from .words import command


def connect(
    settings: Settings, name: str, *, model: str | None = None, writes: bool = False
) -> None:
    """Print what belongs where, or write it. Raises `SettingsError`."""
    config = _config_of(name)
    if config.needs_model and model is None:
        raise SettingsError(f"{name} needs a model: add --model, such as --model qwen/qwen3-coder")
    if not settings.port:
        raise SettingsError("port 0 is another one at each start; set POINTSMAN_PORT to one")
    key = next(iter(settings.caller_keys), None)  # its name: only whether there is one counts
    target = Target(Running(settings).address, model, key)
    file = file_of(config)
    if writes:
        _write(Notes(settings.state), file, config, target)
    else:
        print(f"In {file}:\n")
        print(set_in(file, config, "", edit_of(config, target)).rstrip())
        asked = f" --model {shlex.quote(model)}" if model else ""
        print(f"\nTo have this put in: {command()} connect {name}{asked} --write")
    for line in _left_to_do(config, target):
        print(line)


def disconnect(settings: Settings, name: str) -> None:
    """Take out what `--write` put in. Raises `SettingsError` if that has been changed since."""
    config = _config_of(name)
    file, notes = file_of(config), Notes(settings.state)
    written = notes.of(file, config)
    if written is None:
        print(f"{file}: nothing was written there, or it was undone; nothing to do")
        return
    now = text_of(file)
    if now is None:
        print(f"{file} is gone; nothing to do")
    else:
        _put_back(file, config, now, written)
    notes.forget(file)


def _config_of(name: str) -> Config:
    config = must_be_known(name).config
    assert config is not None  # noqa: S101 - `must_be_known` said so
    return config


def _put_back(file: Path, config: Config, now: str, written: Written) -> None:
    before = without_ours(file, config, now, written)
    if written.before is None and before == "":
        try:
            real_file(file).unlink()
        except OSError as error:
            raise SettingsError(f"can't remove {file}: {reason_of(error)}") from None
        print(f"removed {file}, which was not there before")
        return
    write(file, before)
    how = "is as it was before" if now == written.after else "has its later changes, and ours not"
    print(f"{file} {how}")


def _write(notes: Notes, file: Path, config: Config, target: Target) -> None:
    """Write a file's edit, in place of an earlier one."""
    edit = edit_of(config, target)
    now, earlier = text_of(file), notes.of(file, config)
    if earlier is None or now is None:
        before = now
    else:
        before = without_ours(file, config, now, earlier)
        before = None if earlier.before is None and before == "" else before
    after = set_in(file, config, before or "", edit)
    if after == now:
        print(f"{file} has all of this already; nothing was changed")
        return
    notes.keep(file, Written(before, after, edit))
    write(file, after)
    kept = "" if before is None else f"; as it was before, it is kept as {backup_of(file)}"
    print(f"wrote {file}{kept}")


def _left_to_do(config: Config, target: Target) -> list[str]:
    """What a file can't say: the caller key, and how the tool is started."""
    lines = []
    if target.key is not None:
        lines.append(f"Put your caller key into the variable {KEY_VARIABLE}.")
        if config.by_name is None and config.key_goes:
            lines.append(f"The file has no key; the tool gets it by: {config.key_goes}")
    if config.afterwards:
        lines.append(f"Then: {config.afterwards.replace('$model', target.model or 'MODEL')}")
    return lines
