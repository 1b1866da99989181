"""Calls: within their time, several at once; every failure is an error that an agent can read."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import anyio
import pytest
from mcp import Client, MCPError, types

from app.cli.mcp.fault import Fault
from app.cli.mcp.server import LONGEST_ERROR, MOST_AT_ONCE, create
from app.cli.mcp.source import Source
from app.cli.mcp.tools import TOOLS, Desk, Tool
from app.errors import LedgerError
from app.settings import Settings
from tests.waiting import until_seen


def no_source() -> Source:
    raise AssertionError("no source is asked")


def desk() -> Desk:
    return Desk(no_source, Settings.read())


def tool_that(answer: Any) -> Mapping[str, Tool]:
    """One tool, `log`, that answers so."""
    told = replace(TOOLS["log"], answers={"type": "object"}, tell=lambda _: "told")
    return {"log": replace(told, answer=answer)}


def text_of(result: types.CallToolResult) -> str:
    (content,) = result.content
    assert isinstance(content, types.TextContent)
    return content.text


@contextmanager
def waiting() -> Iterator[tuple[Mapping[str, Tool], threading.Event]]:
    """A tool that waits for the event, which is set on the way out."""
    go_on = threading.Event()

    def answer(*_: object) -> dict[str, Any]:
        assert go_on.wait(60)
        return {}

    try:
        yield tool_that(answer), go_on
    finally:
        go_on.set()


async def test_every_tool_says_that_it_only_reads() -> None:
    async with Client(create(desk())) as client:
        tools = (await client.list_tools()).tools
    assert [tool.name for tool in tools] == [*TOOLS]
    for tool in tools:
        assert tool.title
        assert tool.description
        assert tool.annotations is not None
        assert tool.annotations.read_only_hint is True
        assert tool.annotations.destructive_hint is False
        assert tool.annotations.idempotent_hint is True
        assert tool.annotations.open_world_hint is False


async def test_a_call_ends_after_its_time() -> None:
    with waiting() as (tools, _):
        async with Client(create(desk(), tools, seconds=0.05)) as client:
            result = await client.call_tool("log")
    assert result.is_error
    assert text_of(result) == "log: no answer within 0.05 s; ask for less, such as with since: 1h"


async def test_a_call_that_goes_on_after_its_time_keeps_its_place() -> None:
    with waiting() as (tools, go_on):
        server = create(desk(), tools, seconds=0.05)
        async with Client(server) as client:
            for _ in range(MOST_AT_ONCE):
                assert "no answer within" in text_of(await client.call_tool("log"))
            full = await client.call_tool("log")
            assert text_of(full).startswith(f"{MOST_AT_ONCE} calls are being answered")
            go_on.set()

            async def answers() -> bool:  # once a thread has ended
                return not (await client.call_tool("log")).is_error

            await until_seen(answers)


async def test_other_requests_are_answered_while_a_tool_waits() -> None:
    with waiting() as (tools, go_on):
        async with (
            Client(create(desk(), tools)) as client,
            anyio.create_task_group() as group,
        ):
            group.start_soon(client.call_tool, "log")
            with anyio.fail_after(60):
                assert len((await client.list_tools()).tools) == 1
            go_on.set()


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (Fault("since: wrong"), "since: wrong"),
        (
            LedgerError("can't read the ledger: gone\nlog: forged\x1b[2J"),
            "gone\n  log: forged\ufffd[2J",
        ),
        (Fault("x" * 9000), "x" * (LONGEST_ERROR - 1) + "…"),
        (KeyError("CANARY"), "log: a defect in Pointsman; its log on standard error has it"),
    ],
)
async def test_a_failure_is_a_tools_error(error: Exception, told: str) -> None:
    def fail(*_: object) -> dict[str, Any]:
        raise error

    async with Client(create(desk(), tool_that(fail))) as client:
        result = await client.call_tool("log")
    assert result.is_error
    assert text_of(result).endswith(told)
    assert "CANARY" not in text_of(result)


async def test_a_tool_that_does_not_exist_is_an_error_of_the_protocol() -> None:
    async with Client(create(desk())) as client:
        with pytest.raises(
            MCPError, match=r"explian: no tool of this name; did you mean explain\?"
        ):
            await client.call_tool("explian")
