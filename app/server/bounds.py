"""The limits of one connection: bytes, lines and seconds (T-62, T-65)."""

from dataclasses import dataclass
from typing import Self

from ..settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """The bounds of each connection; the defaults are those of the settings."""

    head_bytes: int = 64_000  # also of the framing between the pieces of a chunked body
    head_lines: int = 100
    target_bytes: int = 8_192  # path and query
    head_seconds: float = 30.0
    body_seconds: float = 30.0  # in which `body_progress` bytes must arrive, or the body's end
    body_progress: int = 8_192
    idle_seconds: int = 75
    write_seconds: float = 120.0
    drop_seconds: float = 2.0  # without a byte more of a body that is not read
    drop_longest_seconds: float = 30.0
    half_close_seconds: float = 0.01  # after a request: closing then means "that was all"
    ahead: int = 8  # requests that may be sent ahead while another one is answered

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """The bounds that the settings specify."""
        return cls(
            head_bytes=int(settings.max_head_kb * 1000),
            head_lines=settings.max_headers,
            head_seconds=settings.head_timeout,
            body_seconds=settings.body_timeout,
            idle_seconds=settings.idle_timeout,
            write_seconds=settings.write_timeout,
        )
