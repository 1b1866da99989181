"""The caller that the tools answer for: whose key is sent, whose receipts are shown."""

from dataclasses import dataclass

from pydantic import SecretStr

from ...errors import SettingsError
from ...settings import Settings
from ...suggest import did_you_mean


@dataclass(frozen=True, slots=True)
class Asker:
    """A caller with its key; `only` is the caller whose receipts may be shown, None for all."""

    key: SecretStr | None = None
    only: str | None = None


def asker_of(settings: Settings, caller: str | None) -> Asker:
    """Return the caller that the option `--caller` names, or the one that is clear without it.

    Without the option it is an operator, which reads all receipts, or the only caller there is.
    Raises `SettingsError` for a name without a key, and where the choice is not clear.
    """
    keys, operators = settings.caller_keys, settings.operators
    if not keys:
        return Asker(only=caller)
    if caller is not None and caller not in keys:
        raise SettingsError(
            f"--caller: {caller!r} is not a name in POINTSMAN_CALLER_KEYS"
            f"{did_you_mean(caller, keys)}"
        )
    if caller is not None:
        return Asker(keys[caller], caller)
    for name in operators:
        if name in keys:
            return Asker(keys[name])
    if len(keys) > 1:
        raise SettingsError(
            "POINTSMAN_CALLER_KEYS names several callers, and none of them in POINTSMAN_OPERATORS "
            "may read all receipts; choose one with --caller NAME"
        )
    ((name, key),) = keys.items()
    return Asker(key, name)
