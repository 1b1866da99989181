"""What our server takes from uvicorn beyond what it promises to keep, by name.

Our protocol subclasses that of `httptools_impl`, whose attributes a minor version may rename. Where
one of these tests fails after an upgrade, the module it names has to be read beside uvicorn's.
"""

import ast
import inspect
import re
import tomllib
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from app.cli import serving, workers
from app.server import ending, outlet, protocol
from app.server.ending import Ending
from app.server.protocol import Protocol
from tests.server.connected import Connected

ROOT = Path(__file__).parents[2]

# Read or set on a connection.
CONNECTION = {
    *("cycle", "flow", "headers", "loop", "parser", "pipeline", "scope", "transport", "url"),
    "_unset_keepalive_if_required",
}
# Called by the loop or by uvicorn, and overridden.
OVERRIDDEN = {
    *("connection_made", "connection_lost", "eof_received", "data_received"),
    *("pause_writing", "resume_writing"),
    *("on_message_begin", "on_url", "on_header", "on_headers_complete", "on_body"),
    *("on_message_complete", "on_response_complete"),
    *("_should_upgrade", "_start_asgi_task"),
}
# Read or set on one request and its answer.
CYCLE = {
    *("chunked_encoding", "disconnected", "expected_content_length", "keep_alive"),
    *("message_event", "more_body", "response_complete", "response_started", "scope", "transport"),
}
FLOW = {"pause_reading", "read_paused", "resume_reading", "write_paused"}
SERVER = {"startup", "main_loop", "on_tick", "handle_exit", "shutdown"}
SERVER_STATE = {"should_exit", "servers", "server_state", "force_exit", "lifespan"}

_OWNERS = {"cycle": CYCLE, "_cycle": CYCLE, "served": CYCLE, "flow": FLOW, "_flow": FLOW}


def missing(kind: str, name: str) -> str:
    return f"uvicorn {uvicorn.__version__} has no {kind}.{name}, which Pointsman's server relies on"


async def nothing(scope: Scope, receive: Receive, send: Send) -> None:
    """An application that is never asked anything."""


@pytest.fixture
async def connection() -> Any:
    """A connection that has brought the head of a request."""
    connected = Connected()
    await connected.bring(b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\n\r\n")
    return connected.protocol


@pytest.mark.parametrize("name", sorted(CONNECTION))
async def test_a_connection_of_uvicorns_has_what_we_read_on_it(name: str) -> None:
    config = uvicorn.Config(nothing, http=HttpToolsProtocol, ws="none", log_config=None)
    config.load()
    plain = HttpToolsProtocol(config, uvicorn.Server(config).server_state, {})
    plain.on_message_begin()
    assert hasattr(plain, name), missing("HttpToolsProtocol", name)


@pytest.mark.parametrize("name", sorted(CYCLE))
async def test_a_request_of_uvicorns_has_what_we_read_on_it(connection: Any, name: str) -> None:
    assert type(connection.cycle) is RequestResponseCycle
    assert hasattr(connection.cycle, name), missing("RequestResponseCycle", name)


@pytest.mark.parametrize("name", sorted(FLOW))
async def test_a_connections_flow_has_what_we_call_on_it(connection: Any, name: str) -> None:
    assert type(connection.flow) is FlowControl
    assert hasattr(connection.flow, name), missing("FlowControl", name)


@pytest.mark.parametrize("name", sorted(OVERRIDDEN))
def test_a_method_of_ours_stands_in_for_one_of_uvicorns(name: str) -> None:
    ours, theirs = getattr(Protocol, name), getattr(HttpToolsProtocol, name, None)
    assert theirs is not None, missing("HttpToolsProtocol", name)
    assert list(inspect.signature(theirs).parameters) == list(inspect.signature(ours).parameters)


@pytest.mark.parametrize("name", sorted(SERVER))
def test_a_method_of_our_server_stands_in_for_one_of_uvicorns(name: str) -> None:
    """By uvicorn's source: sse-starlette, which other tests import, replaces one in the class."""
    theirs = [
        [argument.arg for argument in each.args.args]
        for each in ast.walk(ast.parse(inspect.getsource(uvicorn.Server)))
        if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef) and each.name == name
    ]
    ours = list(inspect.signature(getattr(serving.Server, name)).parameters)
    assert theirs == [ours], missing("Server", name)


@pytest.mark.parametrize("name", sorted(SERVER_STATE))
def test_uvicorns_server_keeps_what_we_read_on_it(name: str) -> None:
    source = inspect.getsource(uvicorn.Server)
    assert re.search(rf"self\.{name}\b.* = ", source), missing("Server", name)


# --- the lists above are whole ----------------------------------------------------------------


def read_on(module: ModuleType) -> set[tuple[str, str]]:
    """Each `owner.name` in a module's source: the last two names of the way there."""
    found = set()
    for node in ast.walk(ast.parse(inspect.getsource(module))):
        if isinstance(node, ast.Attribute):
            owner = node.value
            last = getattr(owner, "id", None) or getattr(owner, "attr", None)
            found.add((last or "", node.attr))
    return found


def own(kind: type, above: type) -> set[str]:
    """What classes of ours define: methods, and attributes with or without a value."""
    ours = [each for each in kind.__mro__ if each.__module__.startswith("app.")]
    names = {name for each in ours for name in (*vars(each), *inspect.get_annotations(each))}
    return {name for name in names if not hasattr(above, name)}


@pytest.mark.parametrize("module", [ending, protocol], ids=lambda module: module.__name__)
def test_the_names_read_on_a_connection_are_all_listed(module: ModuleType) -> None:
    read = {name for owner, name in read_on(module) if owner == "self"}
    assert read - own(Protocol, HttpToolsProtocol) <= CONNECTION | OVERRIDDEN


@pytest.mark.parametrize("module", [ending, protocol, outlet], ids=lambda module: module.__name__)
def test_the_names_read_on_a_request_and_a_flow_are_all_listed(module: ModuleType) -> None:
    for owner, name in read_on(module):
        assert name in _OWNERS.get(owner, {name}), f"{module.__name__}: {owner}.{name}"


def test_the_methods_that_are_overridden_are_all_listed() -> None:
    ours = {*vars(Ending), *vars(Protocol)}
    shared = {name for name in ours if name in vars(HttpToolsProtocol) and name[:2] != "__"}
    assert shared == OVERRIDDEN
    for kind in (serving.Server, workers.WorkerServer):
        theirs = {name for name in vars(kind) if hasattr(uvicorn.Server, name) and name[:2] != "__"}
        assert theirs <= SERVER


# --- the version ------------------------------------------------------------------------------


def test_uvicorn_is_bounded_to_the_minor_version_that_was_tested() -> None:
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    pinned = re.search(
        r"^uvicorn==0\.(\d+)\.", (ROOT / ".ci/constraints.txt").read_text(), re.MULTILINE
    )
    assert pinned is not None
    minor = int(pinned[1])
    assert f"uvicorn>=0.{minor},<0.{minor + 1}" in wanted
