"""Secrets of this installation: random, made once, each in a file that only its user can read."""

import secrets
from pathlib import Path

from app.errors import SettingsError, reason_of


def secret_in(file: Path, size: int, *, otherwise: str) -> bytes:
    """The secret of `size` bytes in a file, which is made if it is missing.

    Raises `SettingsError` if the file can't be read, written or used; `otherwise` is what a user
    can do instead of making it usable.
    """
    try:
        secret = file.read_bytes() if file.exists() else _new(file, size)
    except OSError as error:
        raise SettingsError(
            f"{file} can't be used: {reason_of(error)}; let this user read and write it, "
            f"or {otherwise}"
        ) from None
    if len(secret) != size:
        raise SettingsError(f"{file} is not a key of {size} bytes; delete it and start again")
    return secret


def _new(file: Path, size: int) -> bytes:
    """Write a new secret that only this user can read. The file appears whole or not at all."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = file.with_name(f"{file.name}.{secrets.token_hex(8)}")
    try:
        draft.touch(mode=0o600, exist_ok=False)
        draft.write_bytes(secrets.token_bytes(size))
        draft.replace(file)
    finally:
        draft.unlink(missing_ok=True)
    return file.read_bytes()
