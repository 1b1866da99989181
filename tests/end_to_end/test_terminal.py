"""No byte from outside steers a terminal: every command, with a ledger and an upstream full of it.

Commands run as processes, once into a pipe and once at a terminal of their own.
"""

import json
import os
import re
import subprocess
import sys
import termios
import threading
import time
import unicodedata
from collections.abc import Iterator
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from app.ledger.receipt import FIELDS, Receipt
from app.ledger.store import Store
from tests.ledger.receipts import FULL

ROOT = Path(__file__).parents[2]
MODEL = "acme/coder"
OURS = {"id", "verdict", "ending", "dialect", "book", "session", "path"}  # words of our own

# A window's title, a cleared screen, colours, C1, direction, hidden characters, separators, markup,
# a link, marks without end; and a line that would look like one of the process log's.
CANARY = (
    "a\x1b]0;pwned\x07\x1b[2J\x1b[5;35mb\x9b31mc\x85d\u202ee\u2066f\u200bg\u2028h\u2029i\x7f\x08\r"
    "[red]j[/red] [link=http://evil.example]k[/link] :smile: "
    "\x1b]8;;http://evil.example\x1b\\l\x1b]8;;\x1b\\" + "m" + "\u0301" * 40 + "\U000e0041"
    "\n12:00:00 forged\u202c"
)

# What Rich itself sends: bold, dim and the eight colours; for a bar, a grey and the cursor.
_RICHS = re.compile(
    r"\x1b\[(?:(?:[012]|3[0-7]);?)+m|\x1b\[38;[25][0-9;]+m|\x1b\[\?25[lh]|\r?\x1b\[(?:1A|2K)"
)


def assert_harmless(output: bytes, *, forged: bool = False) -> None:
    """Assert that nothing in it does anything to a terminal but show text and Rich's colours."""
    text = _RICHS.sub("", output.decode())
    for char in text:
        kind = unicodedata.category(char)
        assert char in "\n\t" or kind not in {"Cc", "Cf", "Cs", "Zl", "Zp"}, ascii(text)
    assert not re.search(f"\u0301{{{5}}}", text)
    assert forged or not re.search("^12:00:00 forged", text, re.MULTILINE), text


class Hostile(BaseHTTPRequestHandler):
    """An upstream, and a Pointsman, all of whose words are the canary."""

    protocol_version = "HTTP/1.1"
    endpoint: ClassVar[dict[str, Any]] = {
        "name": CANARY,
        "provider_name": CANARY,
        "tag": CANARY,
        "quantization": CANARY,
        "context_length": 1000,
        "pricing": {"prompt": "0.000001", "completion": "0.000002"},
        "supported_parameters": [CANARY],
        "status": 0,
    }
    answers: ClassVar[dict[str, tuple[int, Any]]] = {
        "/api/v1/models": (200, {"data": [{"id": MODEL, "name": CANARY}, {"id": CANARY}]}),
        f"/api/v1/models/{MODEL}/endpoints": (
            200,
            {"data": {"id": MODEL, "endpoints": [endpoint]}},
        ),
        "/api/v1/providers": (200, {"data": [{"name": CANARY, "slug": "acme"}]}),
        "/api/v1/endpoints/zdr": (200, {"data": []}),
        "/api/v1/key": (200, {"data": {"limit_remaining": CANARY}}),
        "/api/v1/generation": (
            200,
            {"data": {"id": CANARY, "provider_name": CANARY, "model": CANARY}},
        ),
        "/api/v1/chat/completions": (404, {"error": {"code": 404, "message": CANARY}}),
        "/v1/chat/completions": (500, {"error": CANARY}),
    }

    def do_GET(self) -> None:
        length = int(self.headers.get("content-length") or 0)
        self.rfile.read(length)
        status, answer = self.answers.get(self.path.partition("?")[0], (404, {"error": CANARY}))
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET  # noqa: N815 - the name that http.server looks for

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - http.server's name
        """Nothing: the tests read what commands print."""


@pytest.fixture(scope="module")
def upstream() -> Iterator[int]:
    """The port of the hostile one."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hostile)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


def hostile_receipt(receipt_id: str = "rcp_hostile") -> Receipt:
    texts = {
        name: CANARY for name in FIELDS if isinstance(getattr(FULL, name), str) and name not in OURS
    }
    return Receipt(
        **{
            **{name: getattr(FULL, name) for name in FIELDS},
            **texts,
            "id": receipt_id,
            "rules": (CANARY,),
            "quantizations_listed": (CANARY,),
            "evidence": (CANARY,),
            "overruled": ({"field": CANARY, "asked": [CANARY], "sent": None},),
            "attempts": ({"provider": CANARY, "model": CANARY, "status": 500},),
            "preferences_sent": {CANARY: [CANARY]},
            "model_sent": MODEL,
            "cost_usd": Decimal(1),
        }
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A working directory with a ledger, policies and a file to import, all hostile."""
    store = Store.open(f"sqlite:///{tmp_path}/ledger.db")
    store.write([hostile_receipt(), hostile_receipt("rcp_other")])
    store.close()
    # YAML in double quotes has JSON's escapes, but for those that take two.
    written = json.dumps(CANARY).replace("\\udb40\\udc41", "\\U000e0041")
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "a.yaml").write_text(
        f'version: 1\nrules:\n  - {{name: mine, models: ["{MODEL}"], only: [acme],'
        f" quantization_floor: fp8, set: {{user: {written}}}}}\n"
    )
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "a.yaml").write_text(f"version: 1\nrules:\n  - {{{written}: 1}}\n")
    (tmp_path / "config.yaml").write_text(
        f"model_list:\n  - model_name: {written}\n"
        "    litellm_params:\n      model: openrouter/a/b\n"
        f"      extra_body: {{provider: {{only: [{written}], {written}: {written}}}}}\n"
    )
    (tmp_path / "odd.yaml").write_text(f"{written}: {{provider: {{only: [{written}]}}}}\n")
    return tmp_path


def start(folder: Path, port: int, arguments: list[str], output: int) -> subprocess.Popen[bytes]:
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "TERM": "xterm-256color",
        "COLUMNS": "160",
        "POINTSMAN_STATE": str(folder),
        "POINTSMAN_PORT": str(port),
        "POINTSMAN_UPSTREAM_URL": f"http://127.0.0.1:{port}/api/v1",
        "OPENROUTER_API_KEY": "sk-or-v1-canary",
    }
    return subprocess.Popen(  # noqa: S603 - our own words
        [sys.executable, "-m", "app", *arguments],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
    )


def terminal() -> tuple[int, int]:
    """Both ends of a terminal that changes nothing on the way."""
    here, there = os.openpty()
    mode = termios.tcgetattr(there)
    mode[1] &= ~termios.OPOST
    termios.tcsetattr(there, termios.TCSANOW, mode)
    return here, there


def all_of(end: int) -> bytes:
    pieces: list[bytes] = []
    while True:
        try:
            piece = os.read(end, 65536)
        except OSError:  # a terminal whose other end is closed
            piece = b""
        if not piece:
            os.close(end)
            return b"".join(pieces)
        pieces.append(piece)


def run(folder: Path, port: int, arguments: list[str], *, at_terminal: bool) -> tuple[int, bytes]:
    here, there = terminal() if at_terminal else os.pipe()
    process = start(folder, port, arguments, there)
    os.close(there)
    printed = all_of(here)
    return process.wait(timeout=60), printed


AT_AND_NOT = pytest.mark.parametrize("at_terminal", [True, False], ids=["terminal", "pipe"])


@AT_AND_NOT
@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["log"], 0, "kept"),
        (["log", "--json"], 0, "rcp_hostile"),
        (["log", "rcp_hostile"], 0, "Message"),
        (["log", CANARY], 2, "has no receipt"),
        (["log", "--since", CANARY], 2, "is not a time"),
        (["log", f"--{CANARY}"], 2, "o such option"),
        (["stats", "--by", "provider,quantization,model,caller,rule"], 0, "all"),
        (["stats", "--json"], 0, "groups"),
        (["stats", "--by", CANARY], 2, "is not one of"),
        (["export"], 0, "started_at"),
        (["export", "--format", "jsonl"], 0, "started_at"),
        (["verify", "rcp_hostile"], 0, "record"),
        (["verify", "rcp_hostile", "--json"], 0, "before"),
        (["check"], 0, "1 rule and 0 aliases"),
        (["check", "--catalog", "live"], None, "funnel"),
        (["check", "--catalog", "live", "--json"], None, "findings"),
        (["check", "--catalog", "live", "--sarif"], None, "results"),
        (["check", "--policies", "bad"], 2, "a.yaml:3"),
        (["check", "--policies", "bad", "--json"], 2, "policy-file"),
        (["explain", MODEL], 0, "fp8"),
        (["explain", MODEL, "--catalog", "live"], 0, "funnel"),
        (["explain", MODEL, "--json", "--provider", json.dumps({"sort": CANARY})], None, "sort"),
        (["explain", CANARY], None, "pwned"),
        (["catalog", MODEL], 0, "listed as"),
        (["catalog", CANARY], 1, "no such model"),
        (["prove", MODEL], None, "only"),
        (["prove", MODEL, "--json"], None, "only"),
        (["doctor"], 1, "USD of its limit left"),
        (["import", "config.yaml"], 0, "rules"),
        (["import", "odd.yaml"], 2, "odd.yaml"),
    ],
    ids=lambda value: (
        "-".join(value)[:30].encode("ascii", "ignore").decode().split("\x1b")[0]
        if isinstance(value, list)
        else ""
    ),
)
def test_t63_no_command_lets_a_text_steer_the_terminal(
    folder: Path,
    upstream: int,
    *,
    arguments: list[str],
    code: int | None,
    words: str,
    at_terminal: bool,
) -> None:
    ended, printed = run(folder, upstream, arguments, at_terminal=at_terminal)
    assert words in printed.decode(), printed
    assert b"Traceback" not in printed
    assert code is None or ended == code, printed
    assert_harmless(printed)


def test_t63_json_says_exactly_what_was_written(folder: Path, upstream: int) -> None:
    _, printed = run(folder, upstream, ["log", "--json"], at_terminal=False)
    for line in printed.splitlines():
        assert json.loads(line)["error_message"] == CANARY
        assert json.loads(line)["preferences_sent"] == {CANARY: [CANARY]}


@AT_AND_NOT
def test_t63_following_the_log_is_as_safe(
    folder: Path, upstream: int, *, at_terminal: bool
) -> None:
    here, there = terminal() if at_terminal else os.pipe()
    process = start(folder, upstream, ["log", "-f"], there)
    os.close(there)
    store = Store.open(f"sqlite:///{folder}/ledger.db")
    seen = b""
    for number in range(200):
        store.write([hostile_receipt(f"rcp_{number:03}")])
        seen += os.read(here, 65536)
        if seen.count(b"kept") > 3:
            break
        time.sleep(0.05)
    store.close()
    process.terminate()
    process.wait(timeout=60)
    seen += all_of(here)
    assert seen.count(b"kept") > 3
    assert_harmless(seen)


@AT_AND_NOT
def test_t63_the_process_log_is_as_safe(folder: Path, upstream: int, *, at_terminal: bool) -> None:
    """Whichever logger says it, with a stack trace or without."""
    moment = "09:30:00 " if at_terminal else "2026-11-21T09:30:00+01:00 "
    code = (
        "import logging, sys\n"
        "from app.cli.guard import guard_output\n"
        "from app.cli.process_log import start_logging\n"
        "guard_output(); start_logging('info')\n"
        "canary = sys.argv[1]\n"
        "for name in ('pointsman', 'pointsman.requests', 'uvicorn.error', 'sqlalchemy', 'root'):\n"
        "    logging.getLogger(name).error('%s', canary)\n"
        "try:\n"
        "    raise ValueError(canary)\n"
        "except ValueError:\n"
        "    logging.getLogger('asyncio').exception(canary)\n"
        f"logging.getLogger('pointsman').error('x' * (1_000_000 - {len(moment)}))\n"
        "print(canary); sys.stderr.write(canary)\n"
        "raise RuntimeError(canary)\n"
    )
    (folder / "say.py").write_text(code)
    here, there = terminal() if at_terminal else os.pipe()
    process = subprocess.Popen(  # noqa: S603 - our own words
        [sys.executable, "say.py", CANARY],
        cwd=folder,
        env={"PYTHONPATH": str(ROOT)},
        stdout=there,
        stderr=there,
    )
    os.close(there)
    printed = all_of(here)
    process.wait(timeout=60)
    assert printed.count(b"pwned") >= 9
    assert b"... 980,000 characters more" in printed
    assert len(printed) < 100_000
    assert_harmless(printed, forged=True)
    logged = printed.partition(b"Traceback")[0].decode().splitlines()
    assert [line for line in logged if line.startswith("12:00:00 forged")] == []
    assert upstream
