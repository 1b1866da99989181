"""Headers that no setting can have forwarded to upstream, each group with the reason.

Rule 1  A caller's credentials are for this machine, or for OpenRouter in the two places that
        `headers.py` lists.
Rule 2  A header that could choose an endpoint or a path would be a way around a policy: that
        includes every header of OpenRouter's that is not listed.
Rule 3  The rest describes a connection or a message that is not the one to upstream.
"""

from typing import NamedTuple

from .header_names import HeaderNames

HOP_BY_HOP = frozenset(
    {
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    }
)

CREDENTIALS = HeaderNames(
    frozenset(
        {
            b"authorization",
            b"proxy-authorization",
            b"x-api-key",
            b"api-key",
            b"apikey",
            b"x-apikey",
            b"x-auth-token",
            b"x-access-token",
            b"x-amz-security-token",
            b"x-authorization",
            b"x-csrf-token",
            b"x-goog-api-key",
            b"x-goog-iap-jwt-assertion",
            b"cf-access-client-id",
            b"cf-access-client-secret",
            b"cf-access-jwt-assertion",
            b"cookie",
            b"cookie2",
            b"set-cookie",
        }
    ),
    (),
)
_CREDENTIAL_ENDINGS = (
    b"-auth",
    b"-authorization",
    b"-api-key",
    b"-cookie",
    b"-password",
    b"-secret",
    b"-token",
)


class _Group(NamedTuple):
    why: str
    names: HeaderNames


_GROUPS = (
    _Group("it holds a credential", CREDENTIALS),
    _Group("it describes one connection", HeaderNames(HOP_BY_HOP | {b"expect"}, ())),
    _Group(
        "Pointsman writes it for the request that it sends",
        HeaderNames(frozenset({b"host", b"content-length", b"accept-encoding"}), ()),
    ),
    _Group("it is for Pointsman alone", HeaderNames(frozenset(), (b"x-pointsman-",))),
    _Group(
        "it says where a request came from, on this side of Pointsman",
        HeaderNames(
            frozenset(
                {
                    b"forwarded",
                    b"via",
                    b"x-real-ip",
                    b"x-client-ip",
                    b"x-cluster-client-ip",
                    b"cf-connecting-ip",
                    b"true-client-ip",
                }
            ),
            (b"x-forwarded-",),
        ),
    ),
    _Group(
        "OpenRouter could use it to choose an endpoint, whatever the policy says",
        HeaderNames(frozenset(), (b"x-openrouter-", b"x-or-", b"x-provider-")),
    ),
    _Group(
        "it could change which path is requested",
        HeaderNames(
            frozenset(
                {
                    b"x-http-method",
                    b"x-http-method-override",
                    b"x-method-override",
                    b"x-original-url",
                    b"x-rewrite-url",
                }
            ),
            (),
        ),
    ),
)


def why_never(entry: str) -> str | None:
    """Why a name, or some name with this prefix (`x-foo-*`), is never forwarded; None if it may be.

    Names that `headers.py` lists are forwarded all the same.
    """
    if holds_credential(entry):
        return _GROUPS[0].why
    return next((group.why for group in _GROUPS if group.names.meet(entry)), None)


def holds_credential(entry: str) -> bool:
    """Whether a header of this name, or one with this prefix, may hold a key, a token or a cookie.

    A prefix is compared with the well-known names alone; a name also by its ending.
    """
    return CREDENTIALS.meet(entry) or entry.lower().encode().endswith(_CREDENTIAL_ENDINGS)
