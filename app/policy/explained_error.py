"""Adds to upstream's routing 404 what it can't know: which policy line removed which endpoints.

Upstream's own words stay as the first paragraph; status, code and metadata stay as they are, and
every byte but the message's end. It is the one body that is ever touched, and only where a rule
took part in the request.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from app.errors import MalformedBody
from app.policy.apply import Outgoing
from app.policy.finding import listed
from app.policy.forecast import Forecast
from app.policy.route import Route
from app.policy.rule import named
from app.policy.slices import edit, split

_ROUTING = ("No endpoints found", "No allowed providers", "0 endpoints out of", "No endpoints")
_MOST_LEFT = 20
_MOST_TAGS = 6  # of one clause; a popular model has dozens of endpoints


def explained(body: bytes, route: Route, outgoing: Outgoing, found: Sequence[Forecast]) -> bytes:
    """The body with a second paragraph in its message; the very body where there is nothing to say.

    `body` is that of a 404 answer; `found` are the funnels of the models whose endpoints are known.
    """
    if not (route.matched and outgoing.preferences):
        return body
    try:
        whole, fields = split(body)
        error, inner = split(bytes(fields["error"]))
        message = msgspec.json.decode(inner["message"], type=str)
    except (MalformedBody, KeyError, msgspec.MsgspecError, UnicodeDecodeError):
        return body
    if not _is_about_routing(message, inner):
        return body
    told = _paragraph(route, found)
    longer = edit(error, inner, {"message": msgspec.json.encode(f"{message}\n\n{told}")})
    return edit(whole, fields, {"error": longer})


def _paragraph(route: Route, found: Sequence[Forecast]) -> str:
    if not found:
        return f"Pointsman: {_what_was_sent(route)} {_NOT_LISTED}"
    return "Pointsman: " + " ".join(sentence for each in found for sentence in _told(each, route))


_NOT_LISTED = "The model's endpoints are not listed here yet, so it can't be said who removed whom."


def _told(each: Forecast, route: Route) -> Iterator[str]:
    yield f"{each.model} has {each.funnel}."
    yield from _removals(each)
    if each.relaxation is not None:
        yield f"The smallest way out: {each.relaxation}."
    if not each.is_empty:
        left = listed((endpoint.tag for endpoint in each.funnel.survivors), _MOST_LEFT)
        yield (
            f"By the listing, {left} should be left, so the account's own settings at OpenRouter "
            "(privacy, guardrails, allowed providers) or a change there may be the cause."
        )
        yield _what_was_sent(route)


def _removals(each: Forecast) -> Iterator[str]:
    """One sentence for each line of the policy that removed somebody."""
    removed: dict[str, dict[str, None]] = defaultdict(dict)
    for drop in each.funnel.dropped:
        removed[named(drop.clauses) or "the request itself"][drop.endpoint.tag] = None
    for who, tags in removed.items():
        shown = [*tags][:_MOST_TAGS]
        more = len(tags) - len(shown)
        yield f"{who} removed {', '.join(shown)}{f' and {more} more' if more else ''}."


def _what_was_sent(route: Route) -> str:
    clauses = [clause for field in route.preferences for clause in route.origins.get(field, ())]
    fields = ", ".join(route.preferences)
    return f"{named(clauses)} asked for {fields}."


def _is_about_routing(message: str, error: Mapping[str, msgspec.Raw]) -> bool:
    if message.startswith(_ROUTING):
        return True
    try:
        return "failed_routing_step" in split(bytes(error.get("metadata", b"")))[1]
    except MalformedBody:  # upstream's metadata is nobody's mistake here
        return False
