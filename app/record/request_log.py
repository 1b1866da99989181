"""The process log's one line per request: caller, model, provider and outcome."""

import logging

from ..exact_numbers import plainly
from ..ledger.receipt import Receipt, paid_usd
from ..wording import some_names

log = logging.getLogger("pointsman.requests")

_LONGEST_PATH = 200


def log_request(receipt: Receipt) -> None:
    """Write a request's line to the process log."""
    if log.isEnabledFor(logging.INFO):
        log.info("%s", line_of(receipt))


def line_of(receipt: Receipt) -> str:
    """A line of `name=value` pairs, always in the same order, absent values left out.

    It contains no part of the conversation, since the receipt contains none.
    """
    paid = paid_usd(receipt)
    pairs = (
        ("caller=", receipt.caller),
        ("path=", _path_without_policy(receipt)),
        ("reason=", None if receipt.dialect else receipt.reason),
        ("model=", _model(receipt)),
        ("rule=", some_names(receipt.rules, ",")),
        ("provider=", receipt.provider),
        ("verdict=", receipt.verdict),
        ("status=", _number(receipt.status)),
        ("ending=", receipt.ending),
        ("ttft=", _milliseconds(receipt.ttft_ms)),
        ("took=", _milliseconds(receipt.duration_ms)),
        ("tokens=", _tokens(receipt)),
        ("cost=", None if paid is None else f"${plainly(paid)}"),
        ("error=", receipt.error_code),
        ("receipt=", receipt.id),
    )
    found = [(name, value) for name, value in pairs if value]
    line = " ".join([name + value for name, value in found])
    if line.isprintable() and line.count(" ") == len(found) - 1:
        return line  # nearly always
    return " ".join([name + _quoted(value) for name, value in found])


def _path_without_policy(receipt: Receipt) -> str | None:
    """The path, if no policy applies to it; other requests are identified by model and rule."""
    return None if receipt.dialect else receipt.path[:_LONGEST_PATH]


def _model(receipt: Receipt) -> str | None:
    if receipt.alias is None or receipt.model_sent is None:
        return receipt.model_asked
    return f"{receipt.alias}>{receipt.model_sent}"


def _number(value: int | None) -> str | None:
    return None if value is None else str(value)


def _milliseconds(value: float | None) -> str | None:
    return None if value is None else f"{value:.0f}ms"


def _tokens(receipt: Receipt) -> str | None:
    if receipt.prompt_tokens is None and receipt.completion_tokens is None:
        return None
    return f"{receipt.prompt_tokens or 0}+{receipt.completion_tokens or 0}"


def _quoted(text: str) -> str:
    """The text, quoted so that a caller's model name can't forge a line or a field."""
    return text if text.isprintable() and " " not in text else ascii(text)
