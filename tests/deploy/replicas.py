"""Pointsmans as processes, with the settings of a manifest, each with an upstream of its own."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2

from tests.deploy.built import ROOT
from tests.scripted_upstream import ScriptedUpstream

STARTS_WITHIN_SECONDS = 20


@dataclass
class Replica:
    """One process; `address` is its host and port."""

    process: asyncio.subprocess.Process
    address: str
    upstream: ScriptedUpstream

    async def asked(self, client: httpx2.AsyncClient, path: str, **headers: str) -> httpx2.Response:
        return await client.get(f"http://{self.address}{path}", headers=headers)

    async def ended(self, within: float) -> int:
        async with asyncio.timeout(within):
            return await self.process.wait()


def environment(folder: Path, settings: Mapping[str, str]) -> dict[str, str]:
    """The whole environment of a process: what an image has, and `settings`; nothing of ours."""
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "POINTSMAN_HOST": "127.0.0.1",
        **settings,
        "POINTSMAN_PORT": settings.get("POINTSMAN_PORT", "0"),
        "POINTSMAN_STATE": str(folder / "state"),
        "POINTSMAN_POLICIES": str(folder / "policies"),
    }


def policies_in(folder: Path, text: str = "version: 1\nrules: []\n") -> None:
    """Swap in a set of policy files as the kubelet does: `file -> ..data/file`, `..data -> ..1`."""
    policies = folder / "policies"
    policies.mkdir(parents=True, exist_ok=True)
    version = policies / f"..v{len(list(policies.glob('..v*')))}"
    version.mkdir()
    (version / "policies.yaml").write_text(text, encoding="utf-8")
    link = policies / "..data_tmp"
    link.symlink_to(version.name)
    link.replace(policies / "..data")
    file = policies / "policies.yaml"
    if not file.is_symlink():
        file.symlink_to("..data/policies.yaml")


@asynccontextmanager
async def replica(folder: Path, **settings: str) -> AsyncIterator[Replica]:
    """`pointsman serve` once it serves."""
    if not (folder / "policies").exists():
        policies_in(folder)
    async with ScriptedUpstream() as upstream:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "app", "serve"),
            cwd=folder,
            env=environment(
                folder,
                {
                    **settings,
                    "POINTSMAN_UPSTREAM_URL": upstream.url,
                    "POINTSMAN_LOG_LEVEL": "info",
                },
            ),
            stderr=asyncio.subprocess.PIPE,
        )
        assert process.stderr is not None
        try:
            async with asyncio.timeout(STARTS_WITHIN_SECONDS):
                line = ""
                while "serves " not in line:
                    line = (await process.stderr.readline()).decode()
                    assert line, f"it ended with {await process.wait()}"
            reading = asyncio.create_task(process.stderr.read())
            yield Replica(process, line.split("serves http://")[1].split("/v1")[0], upstream)
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()
        await reading


async def refused_to_start(folder: Path, **settings: str) -> tuple[int, str]:
    """The exit code and the log of a process that is expected to end at its start."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "app", "serve"),
        cwd=folder,
        env=environment(folder, settings),
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(STARTS_WITHIN_SECONDS):
            _, log = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    assert process.returncode is not None
    return process.returncode, log.decode()
