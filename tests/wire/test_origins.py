"""Only pages of the origins that are named may call, and no entry lets strangers in by accident."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.wire.origins import Origins, read_origin


@pytest.mark.parametrize(
    ("entry", "read"),
    [
        ("https://app.example", "https://app.example"),
        (" https://App.Example/ ", "https://app.example"),
        ("https://app.example:443", "https://app.example"),
        ("http://app.example:80/", "http://app.example"),
        ("http://app.example:443", "http://app.example:443"),
        ("http://localhost:3000", "http://localhost:3000"),
        ("http://[::1]:3000", "http://[::1]:3000"),
        ("app://obsidian.md", "app://obsidian.md"),
        ("capacitor://localhost", "capacitor://localhost"),
        ("chrome-extension://abcdefgh", "chrome-extension://abcdefgh"),
        ("vscode-webview://*", "vscode-webview://*"),
        ("https://*.team.example", "https://*.team.example"),
        ("https://app.*.team.example", "https://app.*.team.example"),
        ("http://*.localhost:8080", "http://*.localhost:8080"),
        ("null", "null"),
    ],
)
def test_an_entry_is_read_as_browsers_would_send_it(entry: str, read: str) -> None:
    assert read_origin(entry) == read
    assert read_origin(read) == read


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        ("*", "every web page you visit"),
        ("https://*", "pages of strangers"),
        (
            "https://*.example",
            (
                "'https://*.example' would allow pages of strangers; write at least two labels "
                "after the '*', e.g. https://*.team.example"
            ),
        ),
        (
            "https://app.*",
            (
                "'https://app.*' would allow pages of strangers; write at least two labels "
                "after the '*', e.g. https://*.team.example"
            ),
        ),
        ("https://*.*.team.example", "once"),
        ("https://app-*.team.example", "one whole label"),
        ("vscode-*://x", "not an origin"),
        ("http://localhost:*", "'http://localhost:*': '*' can't replace a port; list each port"),
        ("https://app.example/page", "write https://app.example"),
        ("https://app.example?x=1", "write https://app.example"),
        ("https://app.example#x", "write https://app.example"),
        ("app.example", "write https://app.example"),
        ("localhost:3000", "http://"),
        ("https://user:secret@app.example", "no user name"),
        ("https://", "not an origin"),
        ("file:///", "not an origin"),
        ("https://a..b", "not an origin"),
        ("https://b\N{LATIN SMALL LETTER U WITH DIAERESIS}cher.example", "as browsers send it"),
        ("https://a.example https://b.example", "not an origin"),
        ("", "not an origin"),
    ],
)
def test_what_is_no_origin_is_an_error_with_the_way_out(entry: str, says: str) -> None:
    with pytest.raises(ValueError, match=r"^.+$") as caught:
        read_origin(entry)
    assert says in str(caught.value)
    assert "secret" not in str(caught.value)


NAMED = Origins(
    map(read_origin, ["https://App.example", "https://*.team.example", "vscode-webview://*"])
)


@pytest.mark.parametrize(
    "origin",
    ["https://app.example", "https://a-1.team.example", "vscode-webview://0a1b2c3d4e-5f_6"],
)
def test_t55_a_named_origin_is_let_in(origin: str) -> None:
    assert origin in NAMED


@pytest.mark.parametrize(
    "origin",
    [
        "http://app.example",
        "https://app.example:8443",
        "https://app.example/",
        "https://app.example.evil.example",
        "https://evilapp.example",
        "https://APP.example",  # no browser writes it so
        "https://team.example",
        "https://.team.example",
        "https://a.b.team.example",
        "https://a.team.example.evil.example",
        "https://evil.example/.team.example",
        "https://evil.example#.team.example",
        "https://a@x.team.example",
        "https://a:1.team.example",
        "https://*.team.example",
        "https://aXteam.example",
        "vscode-webview://a.b",
        "vscode-webview://",
        "vscode-webview://a\n",
        "https://app.example, https://app.example",
        "null",
        "*",
        "",
    ],
)
def test_t40_any_other_is_not(origin: str) -> None:
    assert origin not in NAMED


def test_null_is_let_in_only_where_it_is_named() -> None:
    assert "null" in Origins(["null"])


@given(st.text(max_size=30))
def test_whatever_is_written_in_the_setting_it_lets_in_no_stranger(entry: str) -> None:
    try:
        read = read_origin(entry)
    except ValueError:
        return
    assert ("https://stranger.example" in Origins([read])) == (read == "https://stranger.example")


@given(
    st.lists(st.sampled_from(["*", "a", "evil", "example", "com", "localhost"]), max_size=4),
    st.sampled_from(["http", "https"]),
)
def test_a_wildcard_lets_in_one_label_and_no_more(labels: list[str], scheme: str) -> None:
    try:
        entry = read_origin(f"{scheme}://{'.'.join(labels)}")
    except ValueError:
        return
    named = Origins([entry])
    assert entry.replace("*", "any") in named
    assert entry.replace("*", "any.any") not in named or "*" not in entry
    assert f"{scheme}://stranger.com" not in named
