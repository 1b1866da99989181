"""Several Pointsmans on one PostgreSQL ledger, each with a state folder of its own."""

import re
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import httpx2
import pytest
import sqlalchemy as sa

from app.catalog.scores import read_export
from app.errors import PolicyFileError
from app.ledger.store import Store
from app.main import create_app
from app.openrouter.score_copies import ScoreCopies, as_file, kept_of
from app.record.score_mirror import export_of
from app.settings import Settings
from tests.audits import compared, result
from tests.audits import kept as kept_audit
from tests.catalog.test_scores import CHECKSUM, EXPORT
from tests.end_to_end.test_budgets import costs
from tests.ledger.conftest import postgres
from tests.ledger.postgres import Admin
from tests.running import NO_TLS, running
from tests.scripted_upstream import ScriptedUpstream, reply
from tests.test_policy_folder import mounted
from tests.waiting import until, until_seen

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
    async with httpx2.AsyncClient(verify=NO_TLS, timeout=60, trust_env=False) as client:
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
            settings.setdefault("policies", policies)
            read = Settings.read(  # a state folder of its own, empty
                upstream_url=openrouter.url,
                openrouter_api_key="sk-or-v1-any",
                state=state,
                ledger_url=ledger,
                **settings,
            )
            return stack.enter_context(running(create_app(read))).url

        yield start


async def until_ready(client: httpx2.AsyncClient, url: str) -> None:
    """Return once a replica has opened the ledger."""

    async def is_ready() -> bool:
        return (await client.get(f"{url}/ready")).status_code == 200

    await until_seen(is_ready)


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

    await until_seen(is_out)


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


HI: dict[str, Any] = {"model": "acme/sim-1", "messages": [{"role": "user", "content": "hi"}]}
KEY = {"authorization": "Bearer key-of-ci"}


async def ask(client: httpx2.AsyncClient, url: str) -> int:
    answer = await client.post(f"{url}/v1/chat/completions", json=HI, headers=KEY)
    return answer.status_code


async def test_replicas_with_a_shared_secret_give_one_conversation_one_session(
    replica: Replica, client: httpx2.AsyncClient, openrouter: ScriptedUpstream, ledger: str
) -> None:
    openrouter.plays(reply(b"{}"))
    same = {"guess_sessions": True, "shared_secret": "0123456789abcdef" * 2}
    for url in (replica(**same), replica(**same), replica(guess_sessions=True)):
        assert await ask(client, url) == 200
        await until_ready(client, url)

    async def written() -> bool:
        return len(rows_of(ledger, "SELECT session FROM receipts")) == 3

    await until_seen(written)
    first, second, alone = (
        row[0] for row in rows_of(ledger, "SELECT session FROM receipts ORDER BY started_at")
    )
    assert first is not None
    assert first == second
    assert alone not in {None, first}


async def test_scores_kept_on_the_ledger_are_in_use_at_all_replicas(
    replica: Replica,
    client: httpx2.AsyncClient,
    openrouter: ScriptedUpstream,
    ledger: str,
    tmp_path: Path,
) -> None:
    """One that starts later has them at once; one that runs, within some seconds."""
    first = replica()
    assert (await client.get(f"{first}/health")).status_code == 200
    copies = ScoreCopies(tmp_path / "replica-0", openrouter.url)
    assert copies.kept() is None
    kept = kept_of(read_export(EXPORT, CHECKSUM), source="x", now=0)
    with closing(Store.open(ledger)) as store:
        store.keep_scores(copies.upstream, export_of(as_file(kept), EXPORT), replace=True)
    assert (await client.get(f"{replica()}/health")).status_code == 200
    assert ScoreCopies(tmp_path / "replica-1", openrouter.url).kept() == kept
    await until(lambda: copies.kept() == kept)


POLICY = "version: 1\nrules:\n  - {{name: {name}, models: ['*'], quantizations: [fp8]}}\n"


async def versions(client: httpx2.AsyncClient, url: str) -> tuple[str, set[str]]:
    """The policy version of a replica: what `/ready` says, and what the metrics say."""
    ready = (await client.get(f"{url}/ready")).json()
    scraped = (await client.get(f"{url}/metrics", headers=KEY)).text
    found = set(re.findall(r'^pointsman_book_info\{revision="([^"]+)"\} 1', scraped, re.MULTILINE))
    return ready["book"]["revision"], found


async def test_each_replica_says_which_policy_version_it_has(
    replica: Replica, client: httpx2.AsyncClient, tmp_path: Path
) -> None:
    """A folder for each, as ConfigMaps are mounted: one is renewed before the other."""
    folders = [tmp_path / "policies-a", tmp_path / "policies-b"]
    for folder in folders:
        mounted(folder, "one", POLICY.format(name="one"))
    urls = [replica(policies=folder) for folder in folders]
    (first, of_first), second = [await versions(client, url) for url in urls]
    assert (first, of_first) == second == (first, {first})
    mounted(folders[0], "two", POLICY.format(name="two"))

    async def differ() -> bool:
        now, there = [await versions(client, url) for url in urls]
        return now[0] != first and now[1] == {now[0]} and there == second

    await until_seen(differ)
    mounted(folders[1], "two", POLICY.format(name="two"))

    async def agree() -> bool:
        now, there = [await versions(client, url) for url in urls]
        return now == there and now[0] != first

    await until_seen(agree)


async def test_a_replica_that_can_not_read_its_policies_does_not_start_and_goes_on_if_it_runs(
    replica: Replica, client: httpx2.AsyncClient, openrouter: ScriptedUpstream, tmp_path: Path
) -> None:
    openrouter.plays(reply(b"{}"))
    folder = tmp_path / "policies-a"
    mounted(folder, "one", POLICY.format(name="one"))
    url = replica(policies=folder)
    await until_ready(client, url)
    version, _ = await versions(client, url)
    mounted(folder, "two", POLICY.format(name="two").replace("fp8", "fp9"))

    async def degraded() -> bool:
        ready = await client.get(f"{url}/ready")
        assert ready.status_code == 200
        return bool(ready.json()["status"] == "degraded")

    await until_seen(degraded)
    assert (await versions(client, url))[0] == version
    assert await ask(client, url) == 200
    with pytest.raises(PolicyFileError, match="fp9"):
        replica(policies=folder)


SHARED_POLICY = """\
version: 1
rules:
  - {name: held, models: [acme/sim-1], budget: {usd: 1, per: day}}
  - {name: kept, models: [acme/sim-1], affinity: pin}
  - {name: sure, models: [acme/sim-2], audited: {verdict: same, max_age: 30d}}
"""


async def test_budgets_pins_and_audits_are_those_of_all_replicas(
    replica: Replica,
    client: httpx2.AsyncClient,
    openrouter: ScriptedUpstream,
    ledger: str,
    tmp_path: Path,
) -> None:
    """What one of them spends, pins or is told counts at the other one within two seconds."""
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "all.yaml").write_text(SHARED_POLICY)
    first, second = replica(), replica()
    turn = {**HI, "session_id": "mine"}

    async def explained(model: str) -> dict[str, Any]:
        body = {**turn, "model": model}
        answer = await client.post(f"{second}/pointsman/explain", json=body, headers=KEY)
        found: dict[str, Any] = answer.json()
        return found

    async def knows_nothing() -> bool:
        return bool((await explained("acme/sim-1"))["budgets"][0]["spent_usd"] == 0)

    async def is_spent_and_pinned() -> bool:
        found = await explained("acme/sim-1")
        spent = found["budgets"][0]["spent_usd"]
        return bool(spent == pytest.approx(0.5) and found["pinned_to"] == "novita")

    async def serves(status: int) -> bool:
        body = {**HI, "model": "acme/sim-2"}
        answer = await client.post(f"{second}/v1/chat/completions", json=body, headers=KEY)
        return bool(answer.status_code == status)

    await until_seen(knows_nothing)
    openrouter.plays(costs(0.5))
    assert (
        await client.post(f"{first}/v1/chat/completions", json=turn, headers=KEY)
    ).status_code == 200
    await until_seen(is_spent_and_pinned)
    await until_seen(lambda: serves(403))  # no endpoint has been audited
    with closing(Store.open(ledger)) as store:
        kept_audit(store, result(compared("groq", "same"), model="acme/sim-2"))
    await until_seen(lambda: serves(200))
