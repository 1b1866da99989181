"""The errors OpenRouter answers with, in the words seen in live bodies (contract §3.5)."""

from typing import Any


class Refusal(Exception):
    """A request that ends in an error body, with its status."""

    def __init__(self, status: int, message: str, metadata: dict[str, Any] | None = None) -> None:
        self.status = status
        self.message = message
        self.metadata = metadata
        super().__init__(message)

    def body(self, shape: str = "openai") -> dict[str, Any]:
        """The JSON body; `shape` "anthropic" for /messages."""
        if shape == "anthropic":
            kind = _ANTHROPIC.get(self.status, "api_error")
            return {
                "type": "error",
                "error": {"type": kind, "message": self.message},
                "request_id": None,
            }
        error: dict[str, Any] = {"message": self.message, "code": self.status}
        if self.metadata is not None:
            error["metadata"] = self.metadata
        return {"error": error}


_ANTHROPIC = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    429: "rate_limit_error",
}

_PRIVACY = "Configure: https://openrouter.ai/settings/privacy"
_GUIDE = (
    "To learn more about provider routing, visit: "
    "https://openrouter.ai/docs/guides/routing/provider-selection"
)

MESSAGES = {
    "Filter by Max Price": "No endpoints found that satisfy the max price for this request",
    "Filter by Image Support": "No endpoints found that support image input",
    "Filter by Parameters": (
        f"No endpoints found that can handle the requested parameters. {_GUIDE}"
    ),
    "Filter by Context Length": "No endpoints found that can fit this request",
}


def privacy_message(reason: str) -> str:
    """The message where the data policy left nothing."""
    return f"No endpoints found matching your data policy ({reason}). {_PRIVACY}"
