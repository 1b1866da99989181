"""docs/cookbook.md: each recipe can be used as it stands, and does what it says."""

import json
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest

from app.catalog.catalog import EMPTY
from app.cli.catalogs import simulated_snapshot
from app.errors import PolicyRefusal
from app.notices.signature import headers_of
from app.policy.apply import apply
from app.policy.book import Book
from app.policy.file.parse import read_book
from app.policy.lint.checks import lint
from app.policy.other_routes import OTHER_ROUTES, Carriage
from app.policy.request import read_request
from tests.policy.sending import asking
from tests.test_docs import DOCS
from tests.waiting import wait_until

TEXT = (DOCS / "cookbook.md").read_text(encoding="utf-8")
_BLOCK = re.compile(r"^```(\w+) ?(\S*) ?(\S*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Recipe:
    """A policy file, and what becomes of requests under it."""

    heading: str
    policy: str
    asked: tuple[tuple[str, str, str, str], ...]  # by, the request, the outcome, what it is

    def __str__(self) -> str:
        return self.heading

    @property
    def book(self) -> Book:
        return read_book({"mine.yaml": self.policy})


def recipes() -> Iterator[Recipe]:
    for section in TEXT.split("\n## ")[1:]:
        heading, _, body = section.partition("\n")
        (kind, _, _, policy), *blocks = [
            block for block in _BLOCK.findall(body) if block[0] in {"yaml", "json"}
        ]
        assert kind == "yaml", heading
        assert blocks, heading
        assert len(blocks) % 2 == 0, heading
        pairs = zip(blocks[::2], blocks[1::2], strict=True)
        assert all(asks[1] == "asks" for asks in blocks[::2]), heading
        asked = tuple((by, text, to, said) for (_, _, by, text), (_, to, _, said) in pairs)
        yield Recipe(heading, policy, asked)


RECIPES = list(recipes())


def test_every_recipe_is_in_the_list_of_contents() -> None:
    contents = TEXT.split("\n## ", maxsplit=1)[0].lower()
    for recipe in RECIPES:
        assert f"[{recipe.heading.lower()}]" in contents


@pytest.mark.parametrize("recipe", RECIPES, ids=str)
def test_the_check_finds_no_error(recipe: Recipe) -> None:
    found = lint(recipe.book, simulated_snapshot().catalog(0.0))
    assert [str(each) for each in found if each.severity == "error"] == []


@pytest.mark.parametrize("recipe", RECIPES, ids=str)
def test_the_recipe_does_what_it_says(recipe: Recipe) -> None:
    for by, asked, outcome, said in recipe.asked:
        request = read_request(asked.strip().encode())
        on = Carriage(OTHER_ROUTES[by]) if by.startswith("/") else None
        route = recipe.book.route_for(request, catalog=EMPTY, **asking(recipe.book, by))
        if outcome == "refused":
            with pytest.raises(PolicyRefusal) as refused:
                apply(request, route, on=on)
            came = {"code": refused.value.code, "message": str(refused.value)}
        else:
            assert outcome == "sent"
            came = json.loads(apply(request, route, on=on).body)
        assert came == json.loads(said)


def test_the_webhook_of_the_recipe_accepts_what_is_signed_and_nothing_else(tmp_path: Path) -> None:
    (program,) = re.findall(r"^```python\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
    file, body = tmp_path / "receive.py", b'{"title": "Rule broken"}'
    file.write_text(program, encoding="utf-8")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    with subprocess.Popen(  # noqa: S603 - the program of the recipe
        [sys.executable, file],
        env={"SECRET": "geheim", "PORT": str(port)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as receiver:
        try:
            wait_until(lambda: answers(port))
            statuses = [
                httpx2.post(
                    f"http://127.0.0.1:{port}/",
                    content=body,
                    headers=headers_of("ntc_1", body, secret),
                    trust_env=False,
                ).status_code
                for secret in ("geheim", "another", None)
            ]
        finally:
            receiver.kill()
        assert receiver.stdout
        said = receiver.stdout.read().splitlines()
    assert statuses == [204, 401, 401]
    assert said == ["Rule broken", "not genuine", "not genuine"]


def answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except ConnectionRefusedError:
        return False
    return True
