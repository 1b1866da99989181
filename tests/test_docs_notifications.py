"""docs/notifications.md: each body is what is sent, and a signature is checked as it says."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from app.notices.event import KINDS, Event
from app.notices.shapes import FORMATS, Format, body_of
from app.notices.signature import SIGNATURE, headers_of
from tests.notices.test_events import EVERY, expiring

TEXT = (Path(__file__).parent.parent / "docs" / "notifications.md").read_text(encoding="utf-8")
AT, SENT_AT = "2026-11-28T09:31:04.120Z", "2026-11-28T09:31:05.318Z"
SECTIONS = dict(re.findall(r"^### (.+?)\n(.*?)(?=^##)", TEXT, re.MULTILINE | re.DOTALL))
TOLD = {each.id: each for each in (*EVERY, expiring(7)) if each is not None}


def blocks(language: str, text: str = TEXT) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def sent(event: Event, form: Format = "json") -> Any:
    return json.loads(body_of(form, event, at=AT, sent_at=SENT_AT, topic="my-pointsman"))


def test_every_kind_of_event_has_its_section() -> None:
    assert {title.partition(",")[0] for title in SECTIONS} == set(KINDS)


@pytest.mark.parametrize("title", SECTIONS)
def test_a_body_is_the_one_that_is_sent(title: str) -> None:
    (text,) = blocks("json", SECTIONS[title])
    body = json.loads(text)
    assert body["event"] == title.partition(",")[0]
    assert body == sent(TOLD[body["id"]])


@pytest.mark.parametrize("form", [form for form in FORMATS if form != "json"])
def test_the_other_shapes_are_those_that_are_sent(form: Format) -> None:
    (text,) = blocks(f"json {form}")
    first = EVERY[0]
    assert first is not None
    assert json.loads(text) == sent(first, form)


BODY = b'{"id": "ntc_1"}'
SIGNED = headers_of("ntc_1", BODY, "s3cret")[SIGNATURE]


def test_the_signature_is_checked_in_python_as_it_says() -> None:
    (code,) = blocks("python")
    assert len(code.splitlines()) <= 6
    names: dict[str, Any] = {}
    exec(code, names)  # noqa: S102 - of our own page
    assert names["is_genuine"](BODY, SIGNED, "s3cret")
    assert not names["is_genuine"](BODY + b" ", SIGNED, "s3cret")
    assert not names["is_genuine"](BODY, SIGNED, "another")


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl")
@pytest.mark.parametrize(("secret", "printed"), [("s3cret", "genuine\n"), ("another", "")])
def test_the_signature_is_checked_in_a_shell_as_it_says(
    tmp_path: Path, secret: str, printed: str
) -> None:
    (code,) = blocks("sh verify")
    (tmp_path / "body.json").write_bytes(BODY)
    env = {"SECRET": secret, "SIGNATURE": SIGNED, "PATH": "/usr/bin:/bin"}
    ran = subprocess.run(["/bin/sh", "-c", code], cwd=tmp_path, env=env, stdout=-1, check=False)  # noqa: S603
    assert ran.stdout.decode() == printed
