"""Run a client's program to its end, away from the developer's home and network."""

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from tests.clients.installed import node


class Ended(NamedTuple):
    """How a program ended, and what it printed on its two streams."""

    code: int | None
    out: str
    complaints: str


async def ended(
    *command: str | Path, environment: Mapping[str, str], cwd: Path, told: str = "", within: float
) -> Ended:
    """Run a program to its end.

    It sees no variable but those given, a PATH that has Node on it, and a language.
    """
    path = f"{node().parent}:{os.defpath}:/usr/local/bin"
    process = await asyncio.create_subprocess_exec(
        *map(str, command),
        cwd=cwd,
        env={"PATH": path, "LANG": "C.UTF-8", **environment},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(within):
            out, complaints = await process.communicate(told.encode())
    finally:
        if process.returncode is None:
            process.kill()
    return Ended(process.returncode, out.decode(), complaints.decode())


async def output(
    *command: str | Path, environment: Mapping[str, str], cwd: Path, told: str = "", within: float
) -> tuple[str, str]:
    """What a program printed on its two streams; it has to succeed. Otherwise as `ended`."""
    end = await ended(*command, environment=environment, cwd=cwd, told=told, within=within)
    assert end.code == 0, end.out + end.complaints
    return end.out, end.complaints
