"""Other gateways, each set up once in its own environment, outside this tree.

    python bench/run.py --targets direct,nginx,pointsman,caddy,litellm,portkey

Each is started according to its documentation for OpenRouter, with one worker and logs off. They
require, besides Python: `npm` for Portkey, `apt-get` and `dpkg-deb` for Caddy unless `caddy` is
installed.
"""

import os
import secrets
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from once import once
from targets import KEY, Running, Start, Upstream, free_port, started

LITELLM_VERSION = "1.106.2"
PORTKEY_VERSION = "1.15.2"
# Portkey accepts any 1.x of its server; from 1.14 on that makes the headers of a fetched answer
# read-only, and every stream through Portkey ends in a 500.
PORTKEY = """\
{{
  "private": true,
  "dependencies": {{"@portkey-ai/gateway": "{version}"}},
  "overrides": {{"@hono/node-server": "1.13.8"}}
}}
"""

LITELLM = """\
model_list:
  - model_name: qwen/qwen3-coder
    litellm_params:
      model: openrouter/qwen/qwen3-coder
      api_base: {upstream}/api/v1
      api_key: {key}
"""

CADDY = """\
{{
  admin off
  auto_https off
  log {{
    output discard
  }}
}}
http://127.0.0.1:{port} {{
  bind 127.0.0.1
  reverse_proxy {upstream} {{
    transport http {{{tls}
    }}
  }}
}}
"""
CADDY_TLS = """
      tls_trusted_ca_certs {certificate}
      tls_server_name localhost"""


def there(upstream: Upstream, *, tls: bool) -> str:
    return f"https://localhost:{upstream.tls}" if tls else f"http://127.0.0.1:{upstream.plain}"


def litellm(environments: Path) -> Start:
    wanted = f"litellm[proxy]=={LITELLM_VERSION}"
    pip = ["bin/python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    make = [sys.executable, "-m", "venv", "."]
    here = once(environments / f"litellm-{LITELLM_VERSION}", make, [*pip, wanted])

    def start(upstream: Upstream, folder: Path, *, tls: bool) -> Running:
        port, key = free_port(), f"sk-{secrets.token_hex(32)}"
        config = folder / f"litellm-{port}.yaml"
        config.write_text(LITELLM.format(upstream=there(upstream, tls=tls), key=KEY))
        command = [str(here / "bin/litellm"), "--config", str(config), "--num_workers", "1"]
        env = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "LITELLM_MASTER_KEY": key,
            "LITELLM_LOG": "ERROR",
            "LITELLM_LOCAL_MODEL_COST_MAP": "True",  # prices from the package, not from a server
            "SSL_CERT_FILE": str(upstream.certificate),
        }
        command += ["--host", "127.0.0.1", "--port", str(port), "--telemetry", "False"]
        headers = {"Authorization": f"Bearer {key}"}
        path = "/health/liveliness"
        return started(upstream, port, command, path, env=env, headers=headers, bears=0.1)

    return start


def portkey(environments: Path) -> Start:
    npm = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", "."]
    files = {"package.json": PORTKEY.format(version=PORTKEY_VERSION)}
    here = once(environments / f"portkey-{PORTKEY_VERSION}", npm, files=files)
    program = here / "node_modules/@portkey-ai/gateway/build/start-server.js"

    def start(upstream: Upstream, folder: Path, *, tls: bool) -> Running:
        port = free_port()
        env = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "NODE_ENV": "production",
            "NODE_EXTRA_CA_CERTS": str(upstream.certificate),
        }
        headers = {
            "x-portkey-provider": "openrouter",
            "x-portkey-custom-host": f"{there(upstream, tls=tls)}/api",
        }
        command = ["node", str(program), f"--port={port}", "--headless"]
        return started(upstream, port, command, "/", env=env, headers=headers)

    return start


def caddy(environments: Path) -> Start:
    """The installed Caddy, else Debian's, unpacked but not installed."""
    program = shutil.which("caddy")
    if program is None:
        unpack = ["sh", "-c", "apt-get download --quiet caddy && dpkg-deb -x caddy_*.deb ."]
        program = str(once(environments / "caddy", unpack) / "usr/bin/caddy")

    def start(upstream: Upstream, folder: Path, *, tls: bool) -> Running:
        port = free_port()
        config = folder / f"Caddyfile-{port}"
        config.write_text(
            CADDY.format(
                port=port,
                upstream=there(upstream, tls=tls),
                tls=CADDY_TLS.format(certificate=upstream.certificate) if tls else "",
            )
        )
        env = {"PATH": os.environ["PATH"], "HOME": str(folder)}
        command = [program, "run", "--config", str(config), "--adapter", "caddyfile"]
        return started(upstream, port, command, "/models", env=env)

    return start


PEERS: dict[str, Callable[[Path], Start]] = {"caddy": caddy, "litellm": litellm, "portkey": portkey}
