"""A rolling update on one PostgreSQL ledger, as processes: no receipt is lost, and one migrates."""

import asyncio
import io
import os
import shutil
import signal
import subprocess
import sys
import tarfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import httpx2
import pytest
import sqlalchemy as sa

from app.ledger.migrations import HEAD
from tests.end_to_end.test_replicas import HI, rows_of
from tests.ledger.conftest import postgres
from tests.ledger.postgres import Admin, free_port
from tests.running import NO_TLS
from tests.scripted_upstream import ScriptedUpstream, reply
from tests.waiting import until_seen

__all__ = ["postgres"]

ROOT = Path(__file__).parents[2]
OLDER = "ee54f26"  # the last commit with the schema 0004


@pytest.fixture
def ledger(postgres: str) -> str:
    with closing(Admin(f"{postgres}/ledger")) as admin:
        admin.run("DROP SCHEMA public CASCADE")
        admin.run("CREATE SCHEMA public")
    return f"{postgres}/ledger"


@pytest.fixture(scope="module")
def older(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program before the schema changed, as it was committed."""
    git = shutil.which("git")
    command = [git or "git", "-C", str(ROOT), "archive", OLDER, "app", "policies"]
    archive = subprocess.run(command, check=False, capture_output=True) if git else None  # noqa: S603
    if archive is None or archive.returncode:
        pytest.skip(f"no git, or a history without {OLDER}")
    folder = tmp_path_factory.mktemp("older")
    with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as files:
        files.extractall(folder, filter="data")
    return folder


class Replica:
    """A process of Pointsman, of one version."""

    def __init__(self, program: Path, folder: Path, ledger: str, upstream: str) -> None:
        folder.mkdir()
        (folder / "policies").mkdir()
        (folder / "policies" / "all.yaml").write_text("version: 1\nrules: []\n")
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.asked = 0
        self._log = folder / "log"
        settings = {
            "PYTHONPATH": str(program),
            "OPENROUTER_API_KEY": "sk-or-v1-any",
            "POINTSMAN_UPSTREAM_URL": upstream,
            "POINTSMAN_LEDGER_URL": ledger,
            "POINTSMAN_STATE": str(folder / "state"),
            "POINTSMAN_PORT": str(port),
        }
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "app", "serve"],
                cwd=folder,
                env={**os.environ, **settings},
                stderr=log,
            )

    @property
    def log(self) -> str:
        return self._log.read_text(encoding="utf-8")

    async def is_ready(self, client: httpx2.AsyncClient) -> bool:
        assert self.process.poll() is None, self.log
        try:
            return bool((await client.get(f"{self.url}/ready")).json()["status"] == "ready")
        except httpx2.TransportError:
            return False

    async def keep_asking(self, client: httpx2.AsyncClient, pause: float = 0.02) -> None:
        """Send one request after the other, each of which is answered, until cancelled."""
        while True:
            asking = asyncio.create_task(self.ask(client))
            try:
                await asyncio.shield(asking)
            except asyncio.CancelledError:
                await asking
                raise
            await asyncio.sleep(pause)

    async def ask(self, client: httpx2.AsyncClient) -> None:
        answer = await client.post(f"{self.url}/v1/chat/completions", json=HI)
        assert answer.status_code == 200, answer.text
        self.asked += 1

    async def stop(self) -> None:
        """As an orchestrator does, once it has taken it off the balancer."""
        self.process.send_signal(signal.SIGTERM)
        await asyncio.to_thread(self.process.wait, 30)


Start = Callable[[Path], Replica]


@pytest.fixture
def start(ledger: str, tmp_path: Path, openrouter: ScriptedUpstream) -> Iterator[Start]:
    """Start one more replica of the program in a folder."""
    replicas: list[Replica] = []

    def started(program: Path) -> Replica:
        folder = tmp_path / f"replica-{len(replicas)}"
        replicas.append(Replica(program, folder, ledger, openrouter.url))
        return replicas[-1]

    yield started
    for each in replicas:
        each.process.kill()
        each.process.wait()


@pytest.fixture
async def client() -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(verify=NO_TLS, timeout=60, trust_env=False) as client:
        yield client


async def all_ready(client: httpx2.AsyncClient, *replicas: Replica) -> None:
    for each in replicas:
        await until_seen(lambda each=each: each.is_ready(client))  # type: ignore[misc]  # mypy#12557


async def test_no_receipt_is_lost_when_three_newer_replicas_replace_an_older_one(
    start: Start,
    older: Path,
    client: httpx2.AsyncClient,
    openrouter: ScriptedUpstream,
    ledger: str,
) -> None:
    """The older one serves and writes while the ledger is migrated, and after that."""
    openrouter.plays(reply(b"{}"))
    before = start(older)
    await all_ready(client, before)
    asking = [asyncio.create_task(before.keep_asking(client))]
    await asyncio.sleep(0.5)
    newer = [start(ROOT) for _ in range(3)]  # all three find the older schema
    await all_ready(client, *newer)
    assert rows_of(ledger, "SELECT version_num FROM alembic_version") == [(HEAD,)]
    at_that_time = before.asked
    asking += [asyncio.create_task(each.keep_asking(client)) for each in newer]
    await asyncio.sleep(1)
    assert before.asked > at_that_time
    ready = (await client.get(f"{before.url}/ready")).json()
    assert (ready["status"], ready["ledger"]["error"]) == ("ready", None)
    for each in asking:
        each.cancel()
    await asyncio.gather(*asking, return_exceptions=True)
    for replica in (before, *newer):
        await replica.stop()
        assert "could not be written" not in replica.log
    asked = sum(each.asked for each in (before, *newer))
    assert len(rows_of(ledger, "SELECT id FROM receipts")) == asked == len(openrouter.requests)


async def test_an_older_one_queues_while_the_migration_takes_long_and_then_writes(
    start: Start,
    older: Path,
    client: httpx2.AsyncClient,
    openrouter: ScriptedUpstream,
    ledger: str,
) -> None:
    """A newer one is not ready before the ledger is, so that the older ones are not stopped."""
    openrouter.plays(reply(b"{}"))
    before = start(older)
    await all_ready(client, before)
    await before.ask(client)
    await until_seen(lambda: is_written(ledger, 1))
    with blocking(ledger):
        newer = start(ROOT)
        answer = None
        while answer is None:
            assert newer.process.poll() is None, newer.log
            try:
                answer = await client.get(f"{newer.url}/ready")
            except httpx2.TransportError:
                await asyncio.sleep(0.05)
        assert (answer.status_code, answer.json()["status"]) == (503, "starting")
        for replica in (before, newer):
            asking = asyncio.create_task(replica.keep_asking(client))
            await asyncio.sleep(0.5)
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
        assert (await client.get(f"{newer.url}/ready")).status_code == 503
    await all_ready(client, newer, before)
    await until_seen(lambda: is_written(ledger, before.asked + newer.asked))
    assert min(before.asked, newer.asked) > 3


async def is_written(ledger: str, count: int) -> bool:
    """Whether so many receipts are written, to a ledger that may be empty still."""
    found = rows_of(ledger, "SELECT to_regclass('receipts')")
    return found != [(None,)] and len(rows_of(ledger, "SELECT id FROM receipts")) == count


@contextmanager
def blocking(ledger: str) -> Iterator[None]:
    """Keep receipts locked: what a migration does, and what makes the next one wait."""
    engine = sa.create_engine(ledger)
    with engine.connect() as connection:
        connection.exec_driver_sql("LOCK TABLE receipts IN ACCESS EXCLUSIVE MODE")
        yield
    engine.dispose()
