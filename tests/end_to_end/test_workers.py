"""`pointsman serve --workers 2`, as processes on real sockets."""

import asyncio
import os
import re
import signal
import socket
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest

from app.ledger.store import Store
from tests.running import NO_TLS
from tests.scripted_upstream import Pause, ScriptedUpstream, reply, sse
from tests.telemetry.exposed import Labels, values
from tests.waiting import until

ROOT = Path(__file__).parent.parent.parent
CHAT = "/v1/chat/completions"
ASK: dict[str, Any] = {"model": "acme/sim-1", "messages": []}
STREAM = {**ASK, "stream": True}
FRAME = b'data: {"provider":"Novita","choices":[{"delta":{"content":"x"}}]}\n\n'
DONE = b"data: [DONE]\n\n"
POLICY = "version: 1\nrules: []\n"

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks at processes in /proc")


@dataclass
class Served:
    """A supervisor and its two workers."""

    process: asyncio.subprocess.Process
    url: str
    folder: Path
    shared: Path  # where temporary folders are made

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text(encoding="utf-8")

    @property
    def pids(self) -> list[int]:
        """The first workers' processes, by their numbers."""
        return [int(pid) for pid in re.findall(r"\d+", self.log.split("the processes ")[1])[:2]]

    async def logged(self, words: str) -> str:
        """The line with these words in it, once there is one."""
        await until(lambda: words in self.log)
        return next(line for line in self.log.splitlines() if words in line)

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[tuple[int, httpx2.AsyncClient]]:
        """A client with one connection, and the number of the worker at its other end."""
        limits = httpx2.Limits(max_connections=1)
        async with httpx2.AsyncClient(
            verify=NO_TLS, base_url=self.url, limits=limits, timeout=60, trust_env=False
        ) as client:
            ready = (await client.get("/ready")).json()
            assert ready["worker"]["of"] == 2
            yield ready["worker"]["number"], client

    async def who_answers(self) -> int:
        """The number of the worker that a new connection leads to."""
        async with self.connection() as (number, _):
            return number

    @asynccontextmanager
    async def to_each(self) -> AsyncIterator[dict[int, httpx2.AsyncClient]]:
        """A client for each worker."""
        async with AsyncExitStack() as stack:
            clients: dict[int, httpx2.AsyncClient] = {}
            for _ in range(64):  # that all of them go to one: 2 to the power of -63
                number, client = await stack.enter_async_context(self.connection())
                clients.setdefault(number, client)
                if len(clients) == 2:
                    break
            assert set(clients) == {1, 2}
            yield clients

    async def ended(self) -> int:
        async with asyncio.timeout(60):
            return await self.process.wait()


def is_alive(pid: int) -> bool:
    """Whether there is such a process, one that is only waited for not included."""
    try:
        return ") Z" not in Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except (FileNotFoundError, ProcessLookupError):
        return False


@asynccontextmanager
async def serving(
    folder: Path, upstream: ScriptedUpstream, *, policy: str = POLICY, **env: str
) -> AsyncIterator[Served]:
    policies = folder / "policies"
    policies.mkdir()
    (policies / "test.yaml").write_text(policy, encoding="utf-8")
    with tempfile.TemporaryDirectory(prefix="w") as shared:
        with (folder / "log").open("wb") as log:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "app", "serve", "--port", "0", "--workers", "2"),
                cwd=folder,
                env={
                    "PATH": os.environ["PATH"],
                    "PYTHONPATH": str(ROOT),
                    "TMPDIR": shared,
                    "POINTSMAN_STATE": str(folder),
                    "POINTSMAN_UPSTREAM_URL": upstream.url,
                    "OPENROUTER_API_KEY": "sk-or-v1-x",
                    **env,
                },
                stderr=log,
                start_new_session=True,  # a group of its own, as a terminal makes one
            )
        served = Served(process, "", folder, Path(shared))
        try:
            await served.logged("workers are the processes")
            served.url = served.log.split("serves ")[1].split("/v1")[0]
            yield served
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()


async def test_both_workers_serve_one_address_and_say_so_once(
    openrouter: ScriptedUpstream, tmp_path: Path
) -> None:
    openrouter.plays(reply(b"{}"))
    async with serving(tmp_path, openrouter) as served, served.to_each() as clients:
        for client in clients.values():
            assert (await client.post(CHAT, json=ASK)).status_code == 200
        assert served.log.count("Pointsman serves") == 1
        assert ", with 2 workers" in served.log
        first, second = served.pids
        assert len({first, second, served.process.pid}) == 3
        threads = os.listdir(f"/proc/{served.process.pid}/task")  # noqa: PTH208 - no real disk
        assert len(threads) == 1  # or it could not fork at any time
        line = await served.logged("receipt=")
        assert re.search(r"^\S+ \[[12]\] ", line)
        again = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "app", "serve", "--workers", "2"),
            *("--port", served.url.rpartition(":")[2]),
            cwd=tmp_path,
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "HOME": str(tmp_path)},
            stderr=asyncio.subprocess.PIPE,
        )
        said = (await again.communicate())[1].decode()
        assert again.returncode == 2
        assert said.startswith("pointsman: can't listen on 127.0.0.1:")


async def test_a_worker_that_dies_is_replaced_and_the_others_streams_go_on(
    openrouter: ScriptedUpstream, tmp_path: Path
) -> None:
    openrouter.plays(sse(*(piece for _ in range(10) for piece in (FRAME, Pause(0.15))), DONE))
    async with serving(tmp_path, openrouter) as served:
        async with served.to_each() as clients:
            streaming = asyncio.create_task(clients[2].post(CHAT, json=STREAM))
            await asyncio.sleep(0.3)
            os.kill(served.pids[0], signal.SIGKILL)
            said = await served.logged("was ended by SIGKILL")
            assert f"worker 1, process {served.pids[0]}, " in said
            assert (await streaming).content == FRAME * 10 + DONE
        async with served.to_each() as clients:
            assert (await clients[1].get("/health")).status_code == 200


async def test_what_waited_for_a_worker_that_died_is_served_by_the_next(
    openrouter: ScriptedUpstream, tmp_path: Path
) -> None:
    async with serving(tmp_path, openrouter) as served:
        os.kill(served.pids[0], signal.SIGSTOP)
        clients = [
            httpx2.AsyncClient(verify=NO_TLS, timeout=60, trust_env=False) for _ in range(10)
        ]
        asking = [asyncio.create_task(each.get(f"{served.url}/health")) for each in clients]
        await asyncio.sleep(0.2)
        os.kill(served.pids[0], signal.SIGKILL)
        assert [(await each).status_code for each in asking] == [200] * 10
        for client in clients:
            await client.aclose()


async def test_a_worker_that_can_not_be_replaced_is_tried_again_while_the_other_serves(
    openrouter: ScriptedUpstream, tmp_path: Path
) -> None:
    async with serving(tmp_path, openrouter) as served:
        async with served.to_each():
            pass  # both have started
        (tmp_path / "policies" / "test.yaml").write_text("version: 2\n", encoding="utf-8")
        os.kill(served.pids[0], signal.SIGKILL)
        said = await served.logged("a replacement starts in 1 s")
        assert "ended with status 2" in said
        assert {await served.who_answers() for _ in range(10)} == {2}
        (tmp_path / "policies" / "test.yaml").write_text(POLICY, encoding="utf-8")
        async with asyncio.timeout(60):
            while await served.who_answers() != 1:
                pass


async def test_t26_all_workers_drain_even_if_everybody_is_told_at_once(
    openrouter: ScriptedUpstream, tmp_path: Path
) -> None:
    openrouter.plays(sse(*(piece for _ in range(10) for piece in (FRAME, Pause(0.15))), DONE))
    async with serving(tmp_path, openrouter) as served:
        async with served.to_each() as clients:
            streaming = [
                asyncio.create_task(each.post(CHAT, json=STREAM)) for each in clients.values()
            ]
            await asyncio.sleep(0.5)
            os.killpg(served.process.pid, signal.SIGTERM)  # as service managers do
            await asyncio.sleep(0.2)
            async with httpx2.AsyncClient(verify=NO_TLS, trust_env=False) as client:
                refused = await client.post(served.url + CHAT, json=ASK)
            assert refused.json()["error"]["code"] == "draining"
            assert [(await each).content for each in streaming] == [FRAME * 10 + DONE] * 2
        assert await served.ended() == 0
        assert not any(map(is_alive, served.pids))
        assert list(served.shared.iterdir()) == []
    receipts = Store.open(f"sqlite:///{tmp_path / 'ledger.db'}").recent(limit=10)
    assert sorted(receipt.ending for receipt in receipts) == ["complete", "complete", "refused"]


@pytest.mark.parametrize("told", [signal.SIGINT, signal.SIGTERM])
async def test_a_second_signal_stops_at_once_and_receipts_are_still_written(
    openrouter: ScriptedUpstream, tmp_path: Path, told: signal.Signals
) -> None:
    openrouter.plays(sse(FRAME, Pause(60)))
    async with serving(tmp_path, openrouter) as served, served.to_each() as clients:
        streaming = [asyncio.create_task(each.post(CHAT, json=STREAM)) for each in clients.values()]
        await asyncio.sleep(0.5)
        os.killpg(served.process.pid, told)  # as Ctrl-C does
        await asyncio.sleep(0.4)
        assert all(map(is_alive, served.pids))
        os.killpg(served.process.pid, told)
        assert await served.ended() == 0
        for each in streaming:
            with pytest.raises(httpx2.HTTPError):
                await each
    receipts = Store.open(f"sqlite:///{tmp_path / 'ledger.db'}").recent(limit=10)
    assert [receipt.ending for receipt in receipts] == ["draining"] * 2


async def test_no_worker_outlives_a_supervisor_that_was_killed(
    openrouter: ScriptedUpstream, tmp_path: Path
) -> None:
    openrouter.plays(sse(*(piece for _ in range(10) for piece in (FRAME, Pause(0.15))), DONE))
    async with serving(tmp_path, openrouter) as served:
        async with served.to_each() as clients:
            streaming = asyncio.create_task(clients[1].post(CHAT, json=STREAM))
            await asyncio.sleep(0.3)
            os.kill(served.process.pid, signal.SIGKILL)
            await until(lambda: not is_alive(served.pids[1]))
            port = int(served.url.rpartition(":")[2])
            socket.create_server(("127.0.0.1", port)).close()  # free for another one already
            assert (await streaming).content == FRAME * 10 + DONE
        await until(lambda: not is_alive(served.pids[0]))
        await until(lambda: not list(served.shared.iterdir()))


async def scrape(client: httpx2.AsyncClient) -> dict[tuple[str, Labels], float]:
    answer = await client.get("/metrics")
    assert answer.status_code == 200
    return values(answer.text)


def requests(found: dict[tuple[str, Labels], float]) -> float:
    return sum(value for (name, _), value in found.items() if name == "pointsman_requests_total")


async def test_metrics_are_of_all_workers_and_never_fall(
    openrouter: ScriptedUpstream, tmp_path: Path
) -> None:
    openrouter.plays(reply(b"{}"))
    answering = ("pointsman_workers_answering", frozenset[tuple[str, str]]())
    async with serving(tmp_path, openrouter) as served, served.to_each() as clients:
        for client, count in ((clients[1], 3), (clients[2], 4)):
            for _ in range(count):
                await client.post(CHAT, json=ASK)
        found = await scrape(clients[1])
        for _ in range(100):  # a receipt is filed a moment after its answer
            if requests(found) == 7:
                break
            await asyncio.sleep(0.05)
            found = await scrape(clients[1])
        assert requests(found) == requests(await scrape(clients[2])) == 7
        assert found[answering] == 2
        assert found["pointsman_open_requests", frozenset()] == 0
        os.kill(served.pids[0], signal.SIGSTOP)
        found = await scrape(clients[2])
        assert (requests(found), found[answering]) == (7, 1)
        os.kill(served.pids[0], signal.SIGKILL)
        await served.logged("was ended by SIGKILL")
        async with served.to_each() as anew:
            await anew[1].post(CHAT, json=ASK)
            for _ in range(100):
                assert requests(found) >= 7
                found = await scrape(clients[2])
                if requests(found) == 8:
                    break
                await asyncio.sleep(0.05)
            assert (requests(found), found[answering]) == (8, 2)


async def test_who_signs_in_at_one_worker_is_known_to_the_other(
    openrouter: ScriptedUpstream, tmp_path: Path
) -> None:
    keys = {"POINTSMAN_CALLER_KEYS": "aider:key-of-aider"}
    async with serving(tmp_path, openrouter, **keys) as served, served.to_each() as clients:
        answer = await clients[1].post(
            "/dashboard/sign-in", data={"key": "key-of-aider"}, headers={"origin": served.url}
        )
        cookie = answer.headers["set-cookie"].partition(";")[0]
        for client in clients.values():
            client.cookies.clear()
            page = await client.get("/dashboard", headers={"cookie": cookie})
            assert page.status_code == 200
        headers = {"origin": served.url, "cookie": cookie}
        assert (await clients[2].post("/dashboard/sign-out", headers=headers)).is_redirect
        for client in clients.values():
            client.cookies.clear()
            page = await client.get("/dashboard", headers={"cookie": cookie})
            assert page.status_code == 303


async def test_policies_are_read_again_by_every_worker(
    openrouter: ScriptedUpstream, tmp_path: Path
) -> None:
    async with serving(tmp_path, openrouter) as served, served.to_each() as clients:
        policy = "version: 1\nrules:\n  - {name: r, models: ['a/b'], ignore: [deepinfra]}\n"
        (tmp_path / "policies" / "test.yaml").write_text(policy, encoding="utf-8")
        for client in clients.values():
            rules = 0
            for _ in range(100):
                rules = rules or (await client.get("/ready")).json()["book"]["rules"]
                await asyncio.sleep(0 if rules else 0.05)
            assert rules == 1


async def test_a_worker_that_hangs_is_replaced(
    openrouter: ScriptedUpstream, tmp_path: Path
) -> None:
    async with serving(tmp_path, openrouter, POINTSMAN_WORKER_TIMEOUT="1.5") as served:
        async with served.to_each():  # both serve, and have given a sign of life
            hung, other = served.pids
        os.kill(hung, signal.SIGSTOP)
        line = await served.logged("no sign of life")
        assert f"worker 1, process {hung}" in line
        await served.logged("a replacement starts now")
        await until(lambda: not is_alive(hung))
        assert is_alive(other)
        async with served.to_each() as clients:
            for client in clients.values():
                assert (await client.get("/health")).status_code == 200
