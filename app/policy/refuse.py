"""Turns away what a rule refuses: a field, or a model's name that does a field's work."""

from collections.abc import Callable, Mapping

import msgspec

from app.errors import PolicyRefused
from app.policy.names import COUNTS_AS
from app.policy.request import Request, is_given
from app.policy.route import Route
from app.policy.slug import Slug, read_slug

# What a model's name can do that a field can do as well.
_IN_A_NAME: Mapping[str, Callable[[Slug], bool]] = {
    "preset": lambda slug: slug.preset is not None,
    "plugins": lambda slug: "online" in slug.variants,  # the web plugin under another name
    "model": lambda _: True,
}


def refuse(request: Request, route: Route) -> None:
    """Raise `PolicyRefused` if the request uses what the route refuses."""
    for field, clause in route.refuse.items():
        used = _used(request, route, field)
        if used:
            raise PolicyRefused(
                f"{clause} refuses requests with {field}, and this one has {used}; "
                "leave it out, or ask for another model"
            )


def _used(request: Request, route: Route, field: str) -> str | None:
    """How the request uses a field, if it does."""
    for name in COUNTS_AS.get(field, (field,)):
        raw = request.fields.get(name)
        ours = route.set.get(name)
        if is_given(raw) and not (ours and bytes(raw or b"") == msgspec.json.encode(ours.value)):
            return f"`{name}`"
    asked = [name for name in request.models if name not in route.renamed]
    fits = _IN_A_NAME.get(field)
    if fits is None:
        return None
    return next((f"the model {name}" for name in asked if fits(read_slug(name))), None)
