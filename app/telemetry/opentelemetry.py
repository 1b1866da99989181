"""OpenTelemetry, loaded only if it is enabled."""

from typing import TYPE_CHECKING

from ..errors import SettingsError

if TYPE_CHECKING:
    from .tracing import Tracing


def tracing() -> "type[Tracing]":
    """Return the class that traces requests.

    Raises `SettingsError` if OpenTelemetry is not installed.
    """
    try:
        from .tracing import Tracing  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise SettingsError(
            f"POINTSMAN_OTEL is set, but {error.name} is not installed; "
            "pip install 'pointsman[otel]', or unset it"
        ) from None
    return Tracing
