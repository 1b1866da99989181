"""Several Pointsmans on one PostgreSQL ledger, each with a state folder of its own."""

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import httpx2
import pytest
import sqlalchemy as sa

from app.main import create_app
from app.settings import Settings
from tests.ledger.conftest import postgres
from tests.ledger.postgres import Admin
from tests.running import NO_TLS, running
from tests.scripted_upstream import ScriptedUpstream
from tests.waiting import until_seen

__all__ = ["postgres"]

KEYS = "aider:key-of-aider,ci:key-of-ci"
SIGN_IN, SIGN_OUT = "/dashboard/sign-in", "/dashboard/sign-out"
SOON = 1.0  # seconds: what one replica knows, all know


@pytest.fixture
def ledger(postgres: str) -> str:
    """The URL of an empty ledger."""
    with closing(Admin(f"{postgres}/ledger")) as admin:
        admin.run("DROP SCHEMA public CASCADE")
        admin.run("CREATE SCHEMA public")
    return f"{postgres}/ledger"


@pytest.fixture
async def client() -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(verify=NO_TLS, timeout=15, trust_env=False) as client:
        yield client


def rows_of(ledger: str, query: str) -> Sequence[Any]:
    """What the ledger itself has."""
    engine = sa.create_engine(ledger)
    with engine.connect() as connection:
        rows = connection.exec_driver_sql(query).all()
    engine.dispose()
    return rows


Replica = Callable[..., str]


@pytest.fixture
def replica(ledger: str, tmp_path: Path, openrouter: ScriptedUpstream) -> Iterator[Replica]:
    """Start one more replica, with the settings given; its address."""
    with ExitStack() as stack:

        def start(**settings: Any) -> str:
            number = len(list(tmp_path.glob("replica-*")))
            state, policies = tmp_path / f"replica-{number}", tmp_path / "policies"
            state.mkdir()
            policies.mkdir(exist_ok=True)
            settings.setdefault("caller_keys", KEYS)
            read = Settings.read(
                upstream_url=openrouter.url,
                openrouter_api_key="sk-or-v1-any",
                policies=policies,
                state=state,
                ledger_url=ledger,
                **settings,
            )
            return stack.enter_context(running(create_app(read))).url

        yield start


async def sign_in(client: httpx2.AsyncClient, url: str, key: str = "key-of-aider") -> str:
    """Sign in as a browser does; the cookie that it would keep."""
    answer = await client.post(f"{url}{SIGN_IN}", data={"key": key}, headers={"origin": url})
    assert answer.status_code == 303, answer.text
    client.cookies.clear()
    return str(answer.headers["set-cookie"].partition(";")[0])


async def shown(client: httpx2.AsyncClient, url: str, cookie: str) -> int:
    """The status of a page at a replica: 200, or 303 to the form."""
    return (await client.get(f"{url}/dashboard", headers={"cookie": cookie})).status_code


async def test_a_sign_in_at_one_replica_is_valid_at_the_others_at_once(
    replica: Replica, client: httpx2.AsyncClient
) -> None:
    """The redirect after the form may lead to another replica already."""
    first, second = replica(), replica()
    cookie = await sign_in(client, first)
    assert [await shown(client, url, cookie) for url in (second, first)] == [200, 200]
    assert await shown(client, replica(), cookie) == 200  # one that starts later


async def test_a_sign_out_at_one_replica_is_one_at_all_within_a_second(
    replica: Replica, client: httpx2.AsyncClient
) -> None:
    first, second = replica(), replica()
    cookie = await sign_in(client, first)
    assert await shown(client, second, cookie) == 200
    answer = await client.post(f"{first}{SIGN_OUT}", headers={"cookie": cookie, "origin": first})
    assert answer.status_code == 303
    assert await shown(client, first, cookie) == 303

    async def is_out() -> bool:
        return await shown(client, second, cookie) == 303

    await until_seen(is_out, within=SOON)


async def test_a_key_that_is_changed_or_taken_back_ends_its_sign_ins(
    replica: Replica, client: httpx2.AsyncClient
) -> None:
    cookie = await sign_in(client, replica())
    changed = replica(caller_keys="aider:another-key,ci:key-of-ci")
    gone = replica(caller_keys="ci:key-of-ci")
    renamed = replica(caller_keys="ci:key-of-aider,aider:key-of-ci")
    assert [await shown(client, url, cookie) for url in (changed, gone, renamed)] == [303] * 3


async def test_the_ledger_has_neither_a_session_nor_a_key(
    replica: Replica, client: httpx2.AsyncClient, ledger: str
) -> None:
    cookie = (await sign_in(client, replica())).partition("=")[2]
    (row,) = rows_of(ledger, "SELECT * FROM sign_ins")
    assert cookie not in str(row)
    assert "key-of-aider" not in str(row)
