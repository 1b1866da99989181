"""Secrets by which digests are made: of an installation, or the same for all replicas.

By default, each is random, made once, in a file that only its user can read. If the settings have
a secret that replicas share, each is derived from that, and no file is read or made.
"""

import hmac
import secrets
from pathlib import Path

from pydantic import SecretStr

from ..errors import SettingsError, reason_of

SECRET_BYTES = 32


def secret_of(file: Path, shared: SecretStr | None, *, otherwise: str) -> bytes:
    """The secret of 32 bytes in a file, which is made if it is missing, or the derived one.

    Raises `SettingsError` if the file can't be read, written or used; `otherwise` is what a user
    can do instead of making it usable.
    """
    if shared is not None:
        return derived(shared, file.name)
    try:
        secret = file.read_bytes() if file.exists() else _new(file)
    except OSError as error:
        raise SettingsError(
            f"{file} can't be used: {reason_of(error)}; let this user read and write it, "
            f"or {otherwise}"
        ) from None
    if len(secret) != SECRET_BYTES:
        raise SettingsError(
            f"{file} is not a key of {SECRET_BYTES} bytes; delete it and start again"
        )
    return secret


def derived(shared: SecretStr, purpose: str) -> bytes:
    """The secret for one purpose: from it, neither the shared one nor any other can be found."""
    return hmac.digest(
        shared.get_secret_value().encode(), f"pointsman {purpose}".encode(), "sha256"
    )


def _new(file: Path) -> bytes:
    """Write a new secret that only this user can read. The file appears whole or not at all."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = file.with_name(f"{file.name}.{secrets.token_hex(8)}")
    try:
        draft.touch(mode=0o600, exist_ok=False)
        draft.write_bytes(secrets.token_bytes(SECRET_BYTES))
        draft.replace(file)
    finally:
        draft.unlink(missing_ok=True)
    return file.read_bytes()
