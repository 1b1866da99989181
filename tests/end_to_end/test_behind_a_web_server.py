"""The files in `deploy/nginx` and `deploy/caddy`, run by the real web servers where these are."""

import asyncio
import os
import shutil
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import httpx2
import pytest

from tests.conftest import Proxy, StartProxy
from tests.scripted_upstream import Pause, ScriptedUpstream, sse

DEPLOY = Path(__file__).parent.parent.parent / "deploy"
NAME = "pointsman.example.com"  # the host of both files
PROXY = "127.0.0.1:4477"
KEY = {"authorization": "Bearer key-of-anna"}
ASK = {"model": "acme/sim-1", "messages": [], "stream": True}
FIRST, LAST = b'data: {"n": 1}\n\n', b"data: [DONE]\n\n"
PATIENCE_SECONDS = 10.0


def filled_in(text: str, changes: dict[str, str]) -> str:
    """`text` with each of these replaced; each must be there."""
    for old, new in changes.items():
        assert old in text, f"{old!r} is not in the file"
        text = text.replace(old, new)
    return text


def nginx(folder: Path, port: int, behind: str) -> Sequence[str]:
    """Write what nginx needs, and return the command that runs it."""
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    request = f"openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN={NAME}"
    subprocess.run(  # noqa: S603 - our own words
        [*request.split(), "-keyout", str(key), "-out", str(certificate)],
        check=True,
        capture_output=True,
    )
    ours = filled_in(
        (DEPLOY / "nginx" / "pointsman.conf").read_text(encoding="utf-8"),
        {
            PROXY: behind,
            "listen 443 ssl": f"listen 127.0.0.1:{port} ssl",
            "/etc/ssl/pointsman/fullchain.pem": str(certificate),
            "/etc/ssl/pointsman/privkey.pem": str(key),
        },
    )
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    paths = " ".join(f"{kind}_temp_path {folder / kind};" for kind in kinds)
    whole = folder / "nginx.conf"
    whole.write_text(
        f"daemon off; pid {folder / 'pid'}; error_log stderr; events {{}}\n"
        f"http {{ access_log off; {paths}\n{ours}\n}}\n",
        encoding="utf-8",
    )
    return ["nginx", "-p", str(folder), "-e", "stderr", "-c", str(whole)]


def caddy(folder: Path, port: int, behind: str) -> Sequence[str]:
    """The same for Caddy, with a certificate of its own making."""
    ours = (DEPLOY / "caddy" / "Caddyfile").read_text(encoding="utf-8")
    options = (
        f"{{\nadmin off\nlocal_certs\nskip_install_trust\nauto_https disable_redirects\n"
        f"https_port {port}\n}}\n"
    )
    file = folder / "Caddyfile"
    file.write_text(options + filled_in(ours, {PROXY: behind}), encoding="utf-8")
    return ["caddy", "run", "--config", str(file), "--adapter", "caddyfile"]


SERVERS: dict[str, Callable[[Path, int, str], Sequence[str]]] = {"nginx": nginx, "caddy": caddy}


@contextmanager
def started(command: Sequence[str], folder: Path, port: int) -> Iterator[None]:
    """Run a web server for as long as the block lasts; its log is in the failure's message."""
    environment = {**os.environ, "HOME": str(folder), "XDG_DATA_HOME": str(folder)}
    with (folder / "log").open("w+b") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env=environment)  # noqa: S603
        try:
            until = time.monotonic() + PATIENCE_SECONDS
            while not accepts(port):
                if process.poll() is not None or time.monotonic() > until:
                    pytest.fail((folder / "log").read_text(encoding="utf-8"))
                time.sleep(0.05)
            yield
        finally:
            process.terminate()
            process.wait(timeout=PATIENCE_SECONDS)


def accepts(port: int) -> bool:
    with closing(socket.socket()) as tried:
        return tried.connect_ex(("127.0.0.1", port)) == 0


def free_port() -> int:
    with closing(socket.socket()) as bound:
        bound.bind(("127.0.0.1", 0))
        return int(bound.getsockname()[1])


class Web:
    """A client of the web server, and the Pointsman behind it."""

    def __init__(self, proxy: Proxy, client: httpx2.AsyncClient, port: int) -> None:
        self.proxy, self.client = proxy, client
        self.url = f"https://127.0.0.1:{port}"
        self.headers = {"host": NAME}
        self.sni = {"sni_hostname": NAME}

    async def get(self, path: str, **headers: str) -> httpx2.Response:
        return await self.client.get(
            self.url + path, headers=self.headers | headers, extensions=self.sni
        )

    async def is_ready(self) -> None:
        """Wait until it has its certificate, too: Caddy makes one after it has begun to listen."""
        until = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                await self.get("/health")
            except httpx2.ConnectError:
                if time.monotonic() > until:
                    raise
                await asyncio.sleep(0.1)
            else:
                return


@pytest.fixture(params=SERVERS)
async def web(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    start_proxy: StartProxy,
    openrouter: ScriptedUpstream,
) -> AsyncIterator[Web]:
    """Pointsman as the page says it is to be set up, behind each of the web servers."""
    name = request.param
    for program in (name, "openssl"):
        if shutil.which(program) is None:
            pytest.skip(f"there is no {program} here; on Debian: apt install {program}")
    proxy = start_proxy(
        upstream_url=openrouter.url,
        caller_keys="anna:key-of-anna",
        operators="anna",
        allowed_hosts=NAME,
    )
    folder, port = tmp_path / name, free_port()
    folder.mkdir()
    command = SERVERS[name](folder, port, proxy.url.removeprefix("http://"))
    with ExitStack() as stack:
        stack.enter_context(started(command, folder, port))
        async with httpx2.AsyncClient(timeout=60, trust_env=False, verify=False) as client:
            web = Web(proxy, client, port)
            await web.is_ready()
            yield web


async def test_a_stream_comes_through_as_it_is_sent(web: Web, openrouter: ScriptedUpstream) -> None:
    openrouter.plays(sse(FIRST, Pause(1.5), LAST))
    began = time.monotonic()
    first = None
    body = b""
    async with web.client.stream(
        "POST",
        f"{web.url}/v1/chat/completions",
        json=ASK,
        headers=web.headers | KEY,
        extensions=web.sni,
    ) as answer:
        assert answer.headers["x-pointsman-receipt"]
        async for chunk in answer.aiter_raw():
            first = time.monotonic() - began if first is None else first
            body += chunk
    assert body == FIRST + LAST
    assert first is not None
    assert first < 1 < time.monotonic() - began


async def test_a_client_that_leaves_ends_the_request_to_openrouter(
    web: Web, openrouter: ScriptedUpstream
) -> None:
    openrouter.plays(sse(FIRST, Pause(20), LAST))
    async with web.client.stream(
        "POST",
        f"{web.url}/v1/chat/completions",
        json=ASK,
        headers=web.headers | KEY,
        extensions=web.sni,
    ) as answer:
        async for _ in answer.aiter_raw():
            break
    assert await openrouter.saw_hangup()
    until = time.monotonic() + 5
    found: list[dict[str, object]] = []
    while not found and time.monotonic() < until:
        answer = await web.get("/pointsman/receipts", **KEY)
        found = answer.json()["receipts"]
    assert found[0]["ending"] == "caller_left"


async def test_a_large_request_is_passed_on(web: Web, openrouter: ScriptedUpstream) -> None:
    openrouter.plays(sse(FIRST, LAST))
    large = ASK | {"messages": [{"role": "user", "content": "x" * 10_000_000}]}
    answer = await web.client.post(
        f"{web.url}/v1/chat/completions",
        json=large,
        headers=web.headers | KEY,
        extensions=web.sni,
    )
    assert answer.status_code == 200
    assert openrouter.only_request.json["messages"] == large["messages"]


async def test_without_a_caller_key_nothing_is_shown(web: Web) -> None:
    for path in ("/v1/models", "/pointsman/receipts", "/metrics"):
        assert (await web.get(path)).status_code == 401
    assert (await web.get("/ready")).status_code == 404
    assert (await web.get("/health")).json() == {"status": "alive"}


async def test_signing_in_gives_a_cookie_that_is_for_https_only(web: Web) -> None:
    asked = await web.get("/dashboard")
    assert (asked.status_code, asked.headers["location"]) == (
        303,
        "/dashboard/sign-in?next=/dashboard",
    )
    signed_in = await web.client.post(
        f"{web.url}/dashboard/sign-in",
        data={"key": "key-of-anna"},
        headers=web.headers | {"origin": f"https://{NAME}"},
        extensions=web.sni,
    )
    assert signed_in.status_code == 303
    cookie = signed_in.headers["set-cookie"]
    assert "; secure" in cookie.lower()
    shown = await web.get("/dashboard", cookie=cookie.partition(";")[0])
    assert shown.status_code == 200
    assert "text/html" in shown.headers["content-type"]
