"""Signing in with a browser, where caller keys are set."""

import re

import pytest

from tests.dashboard.conftest import Serve, Served

SIGN_IN = "/dashboard/sign-in"
SIGN_OUT = "/dashboard/sign-out"


def sign_in(served: Served, key: str = "key-of-aider", **fields: str) -> str:
    """Sign in as a browser does; the cookie that it would keep."""
    answer = served.post(SIGN_IN, data={"key": key, **fields}, headers={"origin": served.url})
    assert answer.status_code == 303
    served.client.cookies.clear()
    return str(answer.headers["set-cookie"].partition(";")[0])


@pytest.mark.parametrize("page", ["", "/who", "/policy", "/receipts/rcp_x", "/live", "/nowhere"])
def test_who_has_not_signed_in_is_asked_to(guarded: Served, page: str) -> None:
    answer = guarded.get(f"/dashboard{page}")
    assert answer.status_code == 303
    assert answer.headers["location"] == f"{SIGN_IN}?next=/dashboard{page}"
    assert "receipt" not in answer.text


def test_a_part_of_a_page_sends_the_browser_to_sign_in_as_a_whole(guarded: Served) -> None:
    answer = guarded.get("/dashboard/who", headers={"hx-request": "true"})
    assert (answer.status_code, answer.headers["hx-redirect"]) == (401, SIGN_IN)


def test_the_form_and_its_looks_are_open_to_everybody(guarded: Served) -> None:
    form = guarded.get(SIGN_IN)
    assert form.status_code == 200
    for asset in re.findall(r'(?:href|src)="(/dashboard/static/[^"]+)"', form.text):
        assert guarded.get(asset).status_code == 200


def test_who_shows_a_key_gets_in_and_back_to_where_they_wanted(guarded: Served) -> None:
    answer = guarded.post(
        SIGN_IN,
        data={"key": "key-of-aider", "next": "/dashboard/who?since=7d"},
        headers={"origin": guarded.url},
    )
    assert (answer.status_code, answer.headers["location"]) == (303, "/dashboard/who?since=7d")
    page = guarded.get("/dashboard", headers={"cookie": sign_in(guarded)})
    assert page.status_code == 200
    assert "signed in with the key of aider" in page.text


def test_the_cookie_is_for_these_pages_and_tells_nothing(guarded: Served) -> None:
    answer = guarded.post(SIGN_IN, data={"key": "key-of-ci"}, headers={"origin": guarded.url})
    cookie, *rest = (part.strip().lower() for part in answer.headers["set-cookie"].split(";"))
    assert {"httponly", "samesite=strict", "path=/dashboard", "max-age=43200"} <= set(rest)
    assert "secure" not in rest  # over plain http a browser would not send it back
    assert "ci" not in cookie.partition("=")[0]
    assert "key-of-ci" not in str(answer.headers)


def test_the_cookie_of_a_page_that_came_over_https_is_for_https_only(guarded: Served) -> None:
    """A web server in front takes TLS off, and only the browser still tells of it."""
    origin = guarded.url.replace("http://", "https://")
    answer = guarded.post(SIGN_IN, data={"key": "key-of-ci"}, headers={"origin": origin})
    assert "; secure" in answer.headers["set-cookie"].lower()


@pytest.mark.parametrize("key", ["", "wrong", "aider", "key-of-aider ,", "KEY-OF-AIDER"])
def test_any_other_key_does_not_open(guarded: Served, key: str) -> None:
    answer = guarded.post(SIGN_IN, data={"key": key}, headers={"origin": guarded.url})
    assert answer.status_code == 401
    assert "set-cookie" not in answer.headers
    assert 'role="alert"' in answer.text
    assert "value=" not in answer.text.partition('name="key"')[2].partition(">")[0]


def test_a_form_that_is_too_long_or_no_form_does_not_open(guarded: Served) -> None:
    for body in (b"key=" + b"x" * 100_000, b"\xff\xfe", b"&" * 4000):
        headers = {
            "origin": guarded.url,
            "content-type": "application/x-www-form-urlencoded",
        }
        assert guarded.post(SIGN_IN, content=body, headers=headers).status_code == 401


@pytest.mark.parametrize("path", [SIGN_IN, SIGN_OUT])
@pytest.mark.parametrize(
    "origin", [None, "null", "https://evil.example", "http://127.0.0.1:1", "127.0.0.1", ""]
)
def test_t40_a_form_from_anywhere_else_is_refused(
    guarded: Served, path: str, origin: str | None
) -> None:
    cookie = sign_in(guarded)
    headers = {"cookie": cookie} | ({"origin": origin} if origin is not None else {})
    answer = guarded.post(path, data={"key": "key-of-aider"}, headers=headers)
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers
    assert guarded.get("/dashboard", headers={"cookie": cookie}).status_code == 200


def test_a_session_ends_with_signing_out(guarded: Served) -> None:
    cookie = sign_in(guarded)
    answer = guarded.post(SIGN_OUT, headers={"cookie": cookie, "origin": guarded.url})
    assert (answer.status_code, answer.headers["location"]) == (303, SIGN_IN)
    assert 'pointsman_session=""' in answer.headers["set-cookie"]
    assert guarded.get("/dashboard", headers={"cookie": cookie}).status_code == 303
    assert guarded.post(SIGN_OUT, headers={"origin": guarded.url}).status_code == 303


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/v1/chat/completions", 401),
        ("GET", "/v1/models", 401),
        ("GET", "/pointsman/receipts", 401),
        ("GET", "/dashboard/../pointsman/receipts", 404),
        ("GET", "/dashboard/../v1/models", 404),
        ("GET", "/dashboardx", 401),
        ("POST", "/dashboard", 303),
        ("HEAD", "/dashboard", 200),
    ],
)
def test_a_session_opens_these_pages_to_read_and_nothing_else(
    guarded: Served, method: str, path: str, status: int
) -> None:
    assert guarded.as_written(method, path, cookie=sign_in(guarded)) == status


@pytest.mark.parametrize(
    "cookie",
    [
        "pointsman_session=",
        "pointsman_session=x",
        'pointsman_session="; other=1',
        "pointsman_session",
        ";;;=",
        "other=1",
        "pointsman_session=\xff",
    ],
)
def test_a_cookie_that_is_none_of_ours_does_not_open(guarded: Served, cookie: str) -> None:
    headers = {"cookie": cookie.encode("latin-1")}
    assert guarded.get("/dashboard", headers=headers).status_code == 303


def test_odd_cookies_of_other_programs_on_the_same_host_do_no_harm(guarded: Served) -> None:
    cookie = f'a/b[c]=1; =; broken="; {sign_in(guarded)}; {{"json": true}}'
    assert guarded.get("/dashboard", headers={"cookie": cookie}).status_code == 200


def test_a_key_in_the_header_still_works(guarded: Served) -> None:
    headers = {"authorization": "Bearer key-of-ci"}
    assert guarded.get("/dashboard", headers=headers).status_code == 200


@pytest.mark.parametrize(
    "wanted",
    [
        "https://evil.example/",
        "//evil.example/dashboard",
        "/\\evil.example",
        "/dashboard/\\..\\x",
        "/dashboard/../v1/models",
        "/v1/models",
        "/dashboardx",
        "javascript:alert(1)",
        SIGN_IN,
        "http:/dashboard",
        "",
    ],
)
def test_nobody_is_sent_anywhere_else_after_signing_in(guarded: Served, wanted: str) -> None:
    answer = guarded.post(
        SIGN_IN,
        data={"key": "key-of-aider", "next": wanted},
        headers={"origin": guarded.url},
    )
    assert answer.headers["location"] == "/dashboard"


def test_a_way_back_cannot_carry_a_header_or_markup(guarded: Served) -> None:
    wanted = '/dashboard/who?since=7d\r\nset-cookie: x=1"><b>'
    form = guarded.get(SIGN_IN, params={"next": wanted})
    assert "<b>" not in form.text
    answer = guarded.post(
        SIGN_IN, data={"key": "key-of-ci", "next": wanted}, headers={"origin": guarded.url}
    )
    assert answer.headers["location"].startswith("/dashboard/who?since=7d")
    assert "\n" not in answer.headers["location"]
    assert "x=1" not in answer.headers["set-cookie"]


def test_without_caller_keys_nobody_has_to_sign_in(serve: Serve) -> None:
    served = serve()
    assert served.get("/dashboard").status_code == 200
    for answer in (served.get(SIGN_IN), served.post(SIGN_IN, headers={"origin": served.url})):
        assert (answer.status_code, answer.headers["location"]) == (303, "/dashboard")
        assert "set-cookie" not in answer.headers
