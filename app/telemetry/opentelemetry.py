"""OpenTelemetry, loaded where it is switched on."""

from typing import TYPE_CHECKING

from app.errors import SettingsError

if TYPE_CHECKING:
    from app.telemetry.tracing import Tracing


def tracing() -> "type[Tracing]":
    """What traces requests. Raises `SettingsError` where OpenTelemetry is not installed."""
    try:
        from app.telemetry.tracing import Tracing  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise SettingsError(
            f"POINTSMAN_OTEL is set, but {error.name} is not installed; "
            "pip install 'pointsman[otel]', or unset it"
        ) from None
    return Tracing
