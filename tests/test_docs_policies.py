"""Every key and every way round a policy in docs/policies.md, with an example that is true."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial, reduce
from pathlib import Path
from textwrap import indent

import pytest

from app.catalog.catalog import EMPTY
from app.errors import PolicyRefusal
from app.policy.apply import Outgoing, apply
from app.policy.cap import capped, market_of
from app.policy.file.parse import read_book
from app.policy.file.schema import ALIAS_KEYS, FILE_KEYS, RULE_KEYS
from app.policy.other_routes import OTHER_ROUTES, Carriage
from app.policy.request import read_request
from app.policy.routed import routed
from app.simulator.catalog import Catalog as Simulated
from app.wire.header_names import names_of
from app.wire.headers import to_upstream
from tests.catalog.test_audits import AUDITED
from tests.catalog.test_scores import KEPT
from tests.policy.sending import asking

SIMULATED = reduce(
    lambda known, model: known.with_listing(model.id, [dict(row.listed) for row in model.rows], 0),
    Simulated.read(None).models,
    EMPTY,
)
TEXT = (Path(__file__).parent.parent / "docs" / "policies.md").read_text(encoding="utf-8")
_BLOCK = re.compile(r"^```(\w+) ?(\S*) ?(\S*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Example:
    """A policy, what was asked by whom (or on which path), and the outcome stated."""

    heading: str
    policy: str
    asked: str
    by: str
    outcome: str
    expected: str
    without: str  # a header that the policy removes

    def __str__(self) -> str:
        return self.heading


def examples() -> Iterator[Example]:
    for section in TEXT.split("\n### ")[1:]:
        heading, _, body = section.partition("\n")
        blocks = _BLOCK.findall(body.split("\n## ")[0])
        assert [block[:2] for block in blocks[:2]] == [("yaml", ""), ("json", "asks")], heading
        assert len(blocks) == 3, heading
        (_, _, _, policy), (_, _, by, asked), (_, outcome, more, expected) = blocks
        without = more.removeprefix("without:")
        yield Example(heading, policy, asked, by, outcome, expected, without)


EXAMPLES = list(examples())


def test_every_key_has_its_section() -> None:
    sections = {example.heading for example in EXAMPLES}
    keys = {*RULE_KEYS, *FILE_KEYS}
    assert keys <= sections
    for key in ALIAS_KEYS:
        assert f"`{key}`" in TEXT.split("### aliases")[1].split("###")[0]


@pytest.mark.parametrize("example", EXAMPLES, ids=str)
def test_what_is_said_of_a_key_is_what_happens(example: Example) -> None:
    text = example.policy
    if text.startswith("- "):
        text = "version: 1\nrules:\n" + indent(text, "  ")
    book = read_book({"mine.yaml": text})
    request = read_request(example.asked.strip().encode())
    on = Carriage(OTHER_ROUTES[example.by]) if example.by.startswith("/") else None
    catalog = AUDITED.with_scores(KEPT)
    route = book.route_for(request, catalog=catalog, **asking(book, example.by))
    expected = json.loads(example.expected)

    def sent() -> Outgoing:
        outgoing = apply(request, route, on=on)
        if route.cap is None:
            return outgoing
        by = routed(book, request, catalog=EMPTY, **asking(book, example.by))
        return capped(outgoing, by, "chat", market_of([route.model_sent], SIMULATED, now=0))[0]

    if example.outcome == "refused":
        with pytest.raises(PolicyRefusal, match=expected["message"]) as refused:
            sent()
        assert refused.value.code == expected["code"]
    else:
        assert example.outcome == "sent"
        assert json.loads(sent().body) == expected
    if example.without:
        came = (example.without.encode(), b"x")
        forwarded = partial(to_upstream, [came], key=None, router_metadata=False)
        assert came in forwarded()
        assert came not in forwarded(removed=names_of(route.strip_headers))
