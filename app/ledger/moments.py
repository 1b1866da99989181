"""Moments as people write them. PURE."""

import re
from datetime import UTC, datetime, timedelta

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def span(text: str) -> timedelta | None:
    """A length of time from `24h`, `30m` or `7d`; None where it is not one."""
    found = re.fullmatch(r"([0-9]{1,6})([smhdw])", text)
    return timedelta(**{_UNITS[found[2]]: int(found[1])}) if found else None


def moment(text: str, now: datetime | None = None) -> datetime:
    """A moment from `24h`, `30m`, `7d` (ago), or an ISO date. Raises `ValueError` with a remedy.

    A date without a zone is in this machine's time zone.
    """
    try:
        ago = span(text)
        if ago is not None:
            return (now or datetime.now(UTC)) - ago
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(
            f"{text!r} is not a time; use e.g. 90m, 12h or 7d (ago), 2026-11-27 or 2026-11-27T10:00"
        ) from None
