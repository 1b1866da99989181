"""Moments as people write them. PURE."""

import re
from datetime import UTC, datetime, timedelta

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def moment(text: str, now: datetime | None = None) -> datetime:
    """A moment from `24h`, `30m`, `7d` (ago), or an ISO date. Raises `ValueError` with a remedy.

    A date without a zone is in this machine's time zone.
    """
    span = re.fullmatch(r"([0-9]{1,6})([smhdw])", text)
    try:
        if span:
            ago = timedelta(**{_UNITS[span[2]]: int(span[1])})
            return (now or datetime.now(UTC)) - ago
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(
            f"{text!r} is not a time; use e.g. 90m, 12h or 7d (ago), 2026-11-27 or 2026-11-27T10:00"
        ) from None
