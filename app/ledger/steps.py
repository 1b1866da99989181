"""Steps: how long the buckets of a series last. PURE."""

from datetime import timedelta

# Below an hour, receipts are read one by one, so this is for short ranges only.
_BELOW_AN_HOUR = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15))
_FROM_AN_HOUR = tuple(timedelta(hours=hours) for hours in (1, 3, 6, 12, 24, 7 * 24, 30 * 24))
_LONGEST_BY_RECEIPTS = timedelta(hours=6)


def step_for(length: timedelta, *, points: int, shortest: timedelta) -> timedelta:
    """The shortest step that cuts a length into at most so many, if there is one."""
    below = _BELOW_AN_HOUR if length <= _LONGEST_BY_RECEIPTS else ()
    fitting = [
        step for step in (*below, *_FROM_AN_HOUR) if step >= shortest and length <= step * points
    ]
    return fitting[0] if fitting else _FROM_AN_HOUR[-1]
