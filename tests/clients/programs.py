"""Run a client's program to its end, away from the developer's home and network."""

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path

from tests.clients.installed import node


async def output(
    *command: str | Path, environment: Mapping[str, str], cwd: Path, told: str = "", within: float
) -> tuple[str, str]:
    """What a program printed on its two streams; it has to succeed.

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
    assert process.returncode == 0, (out + complaints).decode()
    return out.decode(), complaints.decode()
