"""The door: Host, Origin and caller keys, checked before anything else."""

import pytest

from app.server.door import host_of


@pytest.mark.parametrize(
    ("header", "host"),
    [
        ("localhost", "localhost"),
        ("LOCALHOST:4477", "localhost"),
        ("127.0.0.1:80", "127.0.0.1"),
        ("[::1]", "::1"),
        ("[::1]:4477", "::1"),
        ("[0:0:0:0:0:0:0:1]:1", "::1"),
        ("a.example:", None),
        ("a.example:x", None),
        ("a.example:1:2", None),
        (":80", None),
        ("[::1", None),
        ("[::1]x", None),
        ("[evil.example]", None),
        ("", None),
    ],
)
def test_t41_a_host_header_is_read_without_its_port(header: str, host: str | None) -> None:
    assert host_of(header) == host
