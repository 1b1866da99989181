"""Which receipts a page is asked for. PURE."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from app.ledger.receipt import Receipt

_VERDICTS = frozenset({"kept", "broken", "unproven"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """What receipts have to be; None: whatever they are. `model` is the asked, sent or served."""

    model: str | None = None
    provider: str | None = None
    verdict: str | None = None
    caller: str | None = None
    only: str | None = None  # the caller whose receipts may be shown, whatever is asked for

    @classmethod
    def read(cls, parameters: Mapping[str, str], *, only: str | None = None) -> Self:
        """The filter that an address asks for; a verdict that there isn't asks for nothing.

        With `only`, receipts of that caller fit and no other: to ask for a caller changes nothing.
        """
        asked = {
            name: parameters.get(name, "").strip() or None
            for name in ("model", "provider", "caller")
        }
        if only is not None:
            asked["caller"] = None
        verdict = parameters.get("verdict")
        return cls(**asked, verdict=verdict if verdict in _VERDICTS else None, only=only)

    @property
    def is_any(self) -> bool:
        """Whether every receipt fits."""
        return (self.model or self.provider or self.verdict or self.caller) is None

    def fits(self, receipt: Receipt) -> bool:
        """Whether a receipt is one of those asked for."""
        models = (receipt.model_asked, receipt.model_sent, receipt.model_served)
        return (
            (self.model is None or self.model in models)
            and self.provider in {None, receipt.provider}
            and self.verdict in {None, receipt.verdict}
            and self.caller in {None, receipt.caller}
            and self.only in {None, receipt.caller}
        )
