"""Every error that Pointsman itself raises, grouped by cause.

PointsmanError
├── StartupError              caused by the operator: nothing was started
│   ├── SettingsError
│   ├── ForeignFileError      a file to import can't be read, or belongs to no supported tool
│   ├── ServiceError          no systemd or launchd answers, or it refuses
│   └── PolicyFileError       carries every mistake of every file, each with file, line and remedy
├── RequestError              returned to one caller, in that caller's dialect
│   ├── CallerError           caused by the caller
│   │   ├── MalformedRequest        400 malformed_request
│   │   ├── AmbiguousHeader         400 ambiguous_header
│   │   ├── MalformedBody           400 invalid_body
│   │   ├── MissingModel            400 missing_model
│   │   ├── MissingKey              401 missing_key
│   │   ├── UnknownCallerKey        401 unknown_caller_key
│   │   ├── ForbiddenHost           403 forbidden_host
│   │   ├── ForbiddenOrigin         403 forbidden_origin
│   │   ├── NotServed               404 not_found
│   │   ├── UnknownModel            404 model_not_found
│   │   ├── RequestTimeout          408 request_timeout
│   │   ├── BodyTooLarge            413 body_too_large
│   │   ├── TargetTooLong           414 target_too_long
│   │   ├── UnsupportedContent      415 unsupported_content
│   │   ├── WebSocketRefused        426 websocket_refused
│   │   ├── TooManyWrongKeys        429 too_many_wrong_keys
│   │   └── HeadTooLarge            431 head_too_large
│   ├── PolicyRefusal         caused by the policy, which forbids the request or its outcome
│   │   ├── BudgetExceeded          402 budget_exceeded
│   │   ├── RequestTooExpensive     402 request_too_expensive
│   │   ├── RequestCostUnknown      402 request_cost_unknown
│   │   ├── PolicyConflict          403 policy_conflict
│   │   ├── PolicyRefused           403 policy_refused
│   │   ├── SealedElsewhere         409 sealed_elsewhere
│   │   ├── PolicyBroken            502 policy_broken
│   │   ├── PolicyUnproven          502 policy_unproven
│   │   └── BudgetUnknown           503 budget_unknown
│   ├── InternalError         a defect in Pointsman: 500 internal_error
│   ├── Draining              Pointsman is shutting down: 503 draining
│   │   └── Drained                 no reply if the body had begun: it was cut off
│   ├── BodiesFull            Pointsman's limit is reached: 503 bodies_full
│   ├── ConnectionsFull       Pointsman's limit is reached: 503 connections_full
│   ├── SignInUnknown         the ledger has the sign-ins, and does not answer: 503 sign_in_unknown
│   └── UpstreamError         caused by OpenRouter or the connection to it
│       ├── UpstreamUnreachable     502 upstream_unreachable
│       ├── UpstreamTimeout         504 upstream_timeout
│       ├── DeadlineMissed          a rule's deadline passed, and the request was cancelled
│       │   ├── FirstTokenMissed        504 first_token_deadline
│       │   ├── StallMissed             504 stall_deadline
│       │   └── TotalMissed             504 total_deadline
│       ├── UpstreamGarbage         502 upstream_garbage
│       └── UpstreamCut             no reply: the body had begun, so it stays visibly broken
└── LedgerError               the ledger can't be opened, read or migrated

`status` is the HTTP status; `code` is a stable string that programs may compare;
the message names the place, the problem and the remedy.
"""

from dataclasses import dataclass
from typing import ClassVar


class PointsmanError(Exception):
    """The base of every error that Pointsman itself raises."""


def reason_of(error: BaseException) -> str:
    """The error's message, or its type's name if it has none, as with many of Python's errors."""
    said = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return said.strip() or type(error).__name__


# --- the operator's ---------------------------------------------------------------------------


class StartupError(PointsmanError):
    """Nothing was started; the message says why and what to do."""


class SettingsError(StartupError):
    """A setting is missing, malformed, or unsafe together with another one."""


class ForeignFileError(StartupError):
    """A file to import can't be read, or is not of a supported kind."""


class ServiceError(StartupError):
    """The service can't be installed, asked or removed: no service manager answers, or refuses."""


@dataclass(frozen=True, slots=True)
class PolicyProblem:
    """One mistake in one policy file, placed so that an editor can jump to it."""

    file: str
    line: int  # 0: the file or folder as a whole
    where: str  # a path into the file: rules[2].quantization_floor
    message: str  # the problem and the remedy

    def __str__(self) -> str:
        """Render as `file:line: where: message`, which terminals and editors link."""
        place = f"{self.file}:{self.line}" if self.line else self.file
        return (
            f"{place}: {self.where}: {self.message}" if self.where else f"{place}: {self.message}"
        )


class PolicyFileError(StartupError):
    """One or more policy files can't be used; every mistake is listed, not the first only."""

    def __init__(self, problems: tuple[PolicyProblem, ...]) -> None:
        self.problems = problems
        super().__init__("\n".join(str(problem) for problem in problems))


# --- answered to a caller ---------------------------------------------------------------------


class RequestError(PointsmanError):
    """Ends one request with an error reply; `server/replies.py` gives it its shape."""

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal_error"
    type: ClassVar[str] = "server_error"  # OpenAI's word for the family
    param: ClassVar[str | None] = None  # the field that is at fault
    headers: tuple[tuple[bytes, bytes], ...] = ()  # of the reply, beside the usual ones


class CallerError(RequestError):
    """The request itself is at fault."""

    status = 400
    type = "invalid_request_error"


class MalformedRequest(CallerError):
    """The bytes on the connection are not an HTTP request."""

    code = "malformed_request"


class AmbiguousHeader(CallerError):
    """A header is repeated, or two parsers could interpret its value differently (T-54)."""

    code = "ambiguous_header"


class MalformedBody(CallerError):
    """The body is not a JSON object, or a field we must read has the wrong type."""

    code = "invalid_body"


class MissingModel(CallerError):
    """The body names no model, so no policy can be chosen."""

    code = "missing_model"


class MissingKey(CallerError):
    """Neither the caller nor Pointsman has a key for upstream."""

    status = 401
    code = "missing_key"
    type = "authentication_error"


class UnknownCallerKey(CallerError):
    """Caller keys are configured and this request carries none of them."""

    status = 401
    code = "unknown_caller_key"
    type = "authentication_error"


class ForbiddenHost(CallerError):
    """The Host header is not one we serve: DNS rebinding (T-41)."""

    status = 403
    code = "forbidden_host"
    type = "permission_error"


class ForbiddenOrigin(CallerError):
    """A web page that is not allow-listed tries to use the proxy (T-40)."""

    status = 403
    code = "forbidden_origin"
    type = "permission_error"


class NotServed(CallerError):
    """Nothing is served at this path, or not with this method."""

    status = 404
    code = "not_found"


class UnknownModel(CallerError):
    """Neither upstream's list nor the policies have a model of this name."""

    status = 404
    code = "model_not_found"
    param = "model"


class RequestTimeout(CallerError):
    """The rest of the request did not arrive in time (T-65)."""

    status = 408
    code = "request_timeout"


class BodyTooLarge(CallerError):
    """The body is over the limit (T-31, T-32)."""

    status = 413
    code = "body_too_large"


class TargetTooLong(CallerError):
    """The path and query of the request are over the limit (T-62)."""

    status = 414
    code = "target_too_long"


class UnsupportedContent(CallerError):
    """A policy can't be enforced on this content type or encoding (T-30, T-42)."""

    status = 415
    code = "unsupported_content"


class WebSocketRefused(CallerError):
    """The client asks for a WebSocket, which neither Pointsman nor OpenRouter offers (T-54)."""

    status = 426
    code = "websocket_refused"
    headers = ((b"upgrade", b"HTTP/1.1"), (b"connection", b"upgrade"))  # RFC 9110, 15.5.22


class TooManyWrongKeys(CallerError):
    """This address has recently sent too many wrong caller keys."""

    status = 429
    code = "too_many_wrong_keys"
    type = "rate_limit_error"

    def __init__(self, message: str, *, seconds: int) -> None:
        super().__init__(message)
        self.headers = ((b"retry-after", b"%d" % seconds),)


class HeadTooLarge(CallerError):
    """The request's head has too many bytes or lines (T-62)."""

    status = 431
    code = "head_too_large"


class PolicyRefusal(RequestError):
    """The policy forbids the request or its outcome."""

    status = 403
    type = "permission_error"


class BudgetExceeded(PolicyRefusal):
    """A budget of a rule is spent; to repeat the request is useless until its window ends.

    LiteLLM, and with it aider, repeats a 402 unless its type is `invalid_request_error`.
    """

    status = 402
    code = "budget_exceeded"
    type = "invalid_request_error"
    headers = ((b"x-should-retry", b"false"),)


class BudgetUnknown(PolicyRefusal):
    """The ledger can't be read, and a budget with `fail: closed` does not go on without it."""

    status = 503
    code = "budget_unknown"
    type = "server_error"
    headers = ((b"retry-after", b"1"),)  # seconds


class PolicyConflict(PolicyRefusal):
    """The policy and the caller's own preferences leave nothing in common."""

    code = "policy_conflict"


class PolicyRefused(PolicyRefusal):
    """The request uses a field that a rule refuses."""

    code = "policy_refused"


class RequestTooExpensive(PolicyRefusal):
    """The request could cost more than a rule allows."""

    status = 402
    code = "request_too_expensive"
    type = "invalid_request_error"


class RequestCostUnknown(PolicyRefusal):
    """A rule bounds the cost of a request, and nothing bounds the cost of this one."""

    status = 402
    code = "request_cost_unknown"
    type = "invalid_request_error"


class SealedElsewhere(PolicyRefusal):
    """The request replays sealed reasoning whose issuer may not serve it.

    The OpenAI and Anthropic SDKs retry a 409 unless a header forbids it.
    """

    status = 409
    code = "sealed_elsewhere"
    type = "invalid_request_error"
    headers = ((b"x-should-retry", b"false"),)


class PolicyBroken(PolicyRefusal):
    """An excluded provider served the request, and `on_violation` withholds the answer."""

    status = 502
    code = "policy_broken"


class PolicyUnproven(PolicyRefusal):
    """The provider can't be proven, and `on_violation: block_unproven` withholds the answer."""

    status = 502
    code = "policy_unproven"


class InternalError(RequestError):
    """A defect in Pointsman; the log has the details, and the caller gets the receipt's id."""


class Draining(RequestError):
    """This process is stopping: it finishes running requests and accepts no new ones (T-26)."""

    status = 503
    code = "draining"
    headers = ((b"retry-after", b"1"),)  # seconds


class Drained(Draining):
    """The time allowed for running requests to finish has ended (T-26)."""


class BodiesFull(RequestError):
    """The bodies of all requests together have reached their memory limit."""

    status = 503
    code = "bodies_full"
    headers = ((b"retry-after", b"1"),)  # seconds


class ConnectionsFull(RequestError):
    """The limit on open connections is reached (T-65)."""

    status = 503
    code = "connections_full"
    headers = ((b"retry-after", b"1"),)  # seconds


class SignInUnknown(RequestError):
    """Replicas keep sign-ins to the dashboard on the ledger, and it does not answer."""

    status = 503
    code = "sign_in_unknown"
    headers = ((b"retry-after", b"1"),)  # seconds


class UpstreamError(RequestError):
    """Upstream gave no answer that could be passed on."""

    status = 502
    type = "upstream_error"


class UpstreamUnreachable(UpstreamError):
    """No connection to upstream, or it ended before a status line came."""

    code = "upstream_unreachable"


class UpstreamTimeout(UpstreamError):
    """Upstream did not accept a connection, or sent nothing, within the limit."""

    status = 504
    code = "upstream_timeout"


class DeadlineMissed(UpstreamError):
    """A deadline of a rule passed, and the request upstream was cancelled.

    If the answer had begun, `last_words` are sent before the connection is closed: an error event,
    or nothing where it could be mistaken for a part of another event.
    """

    status = 504
    last_words: bytes = b""


class FirstTokenMissed(DeadlineMissed):
    """The answer did not begin in time."""

    code = "first_token_deadline"


class StallMissed(DeadlineMissed):
    """The answer paused for too long."""

    code = "stall_deadline"


class TotalMissed(DeadlineMissed):
    """The answer was not complete in time.

    SDKs repeat a 504 unless a header forbids it, and would take this long again each time.
    """

    code = "total_deadline"
    headers = ((b"x-should-retry", b"false"),)


class UpstreamGarbage(UpstreamError):
    """Upstream's answer can be neither read nor passed on."""

    code = "upstream_garbage"


class UpstreamCut(UpstreamError):
    """Upstream broke off in the middle of its body; the caller must see the break (T-06)."""

    code = "upstream_cut"


# --- ours -------------------------------------------------------------------------------------


class LedgerError(PointsmanError):
    """The ledger can't be opened, read or migrated."""
