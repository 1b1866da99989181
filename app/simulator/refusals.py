"""The errors that OpenRouter returns, with the wording of live bodies (openrouter.md §3.5)."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .catalog import Row


class Refusal(Exception):
    """A request that ends in an error body, with its status."""

    def __init__(
        self,
        status: int,
        message: str,
        metadata: dict[str, Any] | None = None,
        attempts: "Sequence[tuple[Row, int]]" = (),
    ) -> None:
        self.status = status
        self.message = message
        self.metadata = metadata
        self.attempts = tuple(attempts)  # every row that received the prompt, with its status
        self.request_id: str | None = None  # /messages returns it once the router has the request
        super().__init__(message)

    def body(self, shape: str = "openai") -> dict[str, Any]:
        """The JSON body; `shape` "anthropic" for /messages."""
        if shape == "anthropic":
            kind, error_type = _ANTHROPIC.get(self.status, _ANTHROPIC[500])
            return {
                "type": "error",
                "error": {"type": kind, "message": self.message, "error_type": error_type},
                "request_id": self.request_id,
            }
        error: dict[str, Any] = {"message": self.message, "code": self.status}
        if self.metadata is not None:
            error["metadata"] = self.metadata
        return {"error": error}

    def availability(
        self, requested: Sequence[str], candidates: Sequence[str]
    ) -> dict[str, Any] | None:
        """`error.availability` as documented; None if no documented code applies.

        `requested` are model names, `candidates` the providers that offer them.
        """
        step = (self.metadata or {}).get("failed_routing_step")
        told: dict[str, Any] = {"retryable": False, "requested_models": list(requested)}
        if candidates:
            told["affected_providers"] = list(candidates)
        if self.status == 400 and self.message.endswith("is not a valid model ID"):  # noqa: PLR2004
            code = "model_not_found"
        elif self.attempts:
            code = "capacity_exhausted" if self.status == 429 else "model_unavailable_upstream"  # noqa: PLR2004
            told |= {"retryable": True, "retry_after": 40}
        elif step == "Filter by Data Policy":
            code = "privacy_restricted"
            zdr = "Zero data retention" in self.message
            told["excluded_by"] = ["data_policy:zdr" if zdr else "data_policy:training"]
        elif step in _EXCLUDED_BY:
            code = "constraint_filtered"
            told["excluded_by"] = [_EXCLUDED_BY[step]]
        elif step is not None:
            code = "no_endpoints"
        else:
            return None
        return {"code": code, **told, "docs_url": f"https://openrouter.ai/docs/errors#{code}"}


# Anthropic's error type for a status, and OpenRouter's typed code.
_ANTHROPIC = {
    400: ("invalid_request_error", "invalid_request"),
    401: ("authentication_error", "authentication"),
    402: ("billing_error", "payment_required"),
    403: ("permission_error", "permission_denied"),
    404: ("not_found_error", "not_found"),
    429: ("rate_limit_error", "rate_limit_exceeded"),
    500: ("api_error", "server"),
    502: ("api_error", "provider_unavailable"),
    503: ("api_error", "provider_unavailable"),
    529: ("overloaded_error", "provider_overloaded"),
}

_EXCLUDED_BY = {
    "Filter by Allowed Providers": "allowed_providers",
    "Filter by Max Price": "max_price",
    "Filter by Context Length": "context_length",
    "Filter by Quantization": "quantization",
    "Filter by Parameters": "require_parameters",
}

_PRIVACY = "Configure: https://openrouter.ai/settings/privacy"
_GUIDE = (
    "To learn more about provider routing, visit: "
    "https://openrouter.ai/docs/guides/routing/provider-selection"
)

TOOL_CHOICE = f"No endpoints found that support the provided 'tool_choice' value. {_GUIDE}"
MESSAGES = {
    "Filter by Max Price": "No endpoints found that satisfy the max price for this request",
    "Filter by Image Support": "No endpoints found that support image input",
    "Filter by Parameters": (
        f"No endpoints found that can handle the requested parameters. {_GUIDE}"
    ),
    "Filter by Context Length": "No endpoints found that can fit this request",
}


def privacy_message(reason: str) -> str:
    """The message if the data policy excludes every endpoint."""
    return f"No endpoints found matching your data policy ({reason}). {_PRIVACY}"
