"""A program in the place of a tool: does what its arguments say, one after the other.

ask URL-VARIABLE    send one chat request to the address in this variable
leave VARIABLE      send one, and leave before it is answered
tell FILE           write the variables, the arguments and the files of the folder to FILE
wait                say `ready`, and go on with Ctrl-C (`told INT`) or SIGTERM (`told TERM`)
die                 be ended by SIGKILL
exit CODE           end
"""

import json
import os
import signal
import socket
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import ProxyHandler, Request, build_opener

BODY = json.dumps(
    {"model": "qwen/qwen3-coder", "messages": [{"role": "user", "content": "hi"}]}
).encode()


def ask(variable: str) -> None:
    """Send one request, and print the id of its receipt."""
    headers = {
        "content-type": "application/json",
        "authorization": f"Bearer {os.environ['OPENAI_API_KEY']}",
    }
    request = Request(f"{os.environ[variable]}/chat/completions", BODY, headers)  # noqa: S310
    with build_opener(ProxyHandler({})).open(request) as answer:
        answer.read()
        say(answer.headers["x-pointsman-receipt"])


def leave(variable: str) -> None:
    """Send one request, and close the connection once Pointsman has it."""
    parts = urlsplit(os.environ[variable])
    with socket.create_connection((parts.hostname, parts.port)) as connection:
        head = (
            f"POST {parts.path}/chat/completions HTTP/1.1\r\nhost: {parts.netloc}\r\n"
            f"content-type: application/json\r\ncontent-length: {len(BODY)}\r\n\r\n"
        )
        connection.sendall(head.encode() + BODY)
        until = time.monotonic() + 20
        while not Path(os.environ["ASKED"]).exists() and time.monotonic() < until:
            time.sleep(0.01)


def tell(file: str) -> None:
    """Write down what this run was given."""
    named = [os.environ.get("LLM_USER_PATH", ""), *sys.argv[1:], *os.environ.values()]
    folders = {
        part for text in named for part in Path(text).parents if "pointsman-launch-" in part.name
    } | {Path(text) for text in named if "pointsman-launch-" in Path(text).name}
    there = [each for folder in folders for each in folder.glob("*.*") if each.exists()]
    known = {
        "variables": dict(os.environ),
        "arguments": sys.argv[1:],
        "files": {each.name: each.read_text() for each in there},
        "modes": {each.name: each.stat().st_mode & 0o777 for each in there},
    }
    Path(file).write_text(json.dumps({**known, "folders": [str(each) for each in folders]}))


def wait() -> None:
    """Say what signals come; the first SIGTERM or the second Ctrl-C ends the waiting."""
    told: list[int] = []
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, lambda number, _: told.append(number))
    say("ready")
    said = 0
    while True:
        while said < len(told):
            say(f"told {signal.Signals(told[said]).name}")
            said += 1
        if told.count(signal.SIGINT) >= 2 or signal.SIGTERM in told:
            return
        time.sleep(0.01)  # `signal.pause` would miss a signal that comes right before it


def say(line: str) -> None:
    """Print a line at once."""
    print(line, flush=True)  # noqa: T201


def main(words: list[str]) -> None:
    """Do what the words say."""
    while words:
        word = words.pop(0)
        if word == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        elif word == "wait":
            wait()
        elif word == "exit":
            sys.exit(int(words.pop(0)))
        elif word in {"ask", "leave", "tell"}:
            {"ask": ask, "leave": leave, "tell": tell}[word](words.pop(0))


if __name__ == "__main__":
    main(sys.argv[1:])
