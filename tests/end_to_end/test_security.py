"""Nobody gets in who does not belong."""

import pytest

from app.errors import SettingsError
from app.record.recorder import REFUSALS_FILED_A_MINUTE
from app.server.callers import WRONG_KEYS_A_MINUTE_LOOPBACK
from app.settings import Settings
from tests.conftest import UPSTREAM_KEY, Proxy, StartProxy
from tests.scripted_upstream import ScriptedUpstream, reply
from tests.waiting import until_seen

CHAT = "/v1/chat/completions"
CALLER_KEY = "canary-key-of-the-caller"
ASK = {"model": "acme/sim-1", "messages": [{"role": "user", "content": "hi"}]}


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:4477", 200),
        ("localhost", 200),
        ("[::1]:4477", 200),
        ("pointsman:4477", 200),
        ("127.evil.com", 403),
        ("127.0.0.1.evil.com:4477", 403),
        ("localhost.evil.com", 403),
        ("evil.com", 403),
        ("127.0.0.1:4477@evil.com", 403),
        ("[::1", 403),
        ("", 403),
    ],
)
async def test_t41_only_known_hosts_are_served(
    start_proxy: StartProxy, openrouter: ScriptedUpstream, host: str, status: int
) -> None:
    proxy = start_proxy(upstream_url=openrouter.url, allowed_hosts="pointsman, other.internal")
    openrouter.plays(reply(b"{}"))
    answer = await proxy.client.post(proxy.url + CHAT, json=ASK, headers={"host": host})
    assert answer.status_code == status
    assert len(openrouter.requests) == (1 if status == 200 else 0)


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://localhost:4477"])
@pytest.mark.parametrize("path", [CHAT, "/pointsman/receipts", "/v1/models", "/health"])
async def test_t40_a_web_page_that_is_not_listed_gets_nothing(
    proxy: Proxy, openrouter: ScriptedUpstream, origin: str, path: str
) -> None:
    for method in ("POST", "GET", "OPTIONS"):
        answer = await proxy.client.request(
            method, proxy.url + path, json=ASK, headers={"origin": origin}
        )
        assert answer.status_code == 403
        assert not [name for name in answer.headers if name.startswith("access-control")]
    assert not openrouter.requests


async def test_t33_our_key_replaces_the_callers_and_private_headers_stay_here(
    proxy: Proxy, openrouter: ScriptedUpstream
) -> None:
    openrouter.plays(reply(b"{}"))
    await proxy.client.post(
        proxy.url + CHAT,
        json=ASK,
        headers={
            "authorization": f"Bearer {CALLER_KEY}",
            "x-api-key": CALLER_KEY,
            "cookie": "a=b",
            "connection": "keep-alive, x-private",
            "x-private": "1",
            "x-pointsman-dry": "1",
            "x-forwarded-for": "10.0.0.1",
            "http-referer": "https://tool.example",
        },
    )
    request = openrouter.only_request
    assert request.header("authorization") == f"Bearer {UPSTREAM_KEY}"
    assert request.header("http-referer") == "https://tool.example"
    assert request.header("accept-encoding") == "identity"
    for name in ("x-api-key", "cookie", "x-private", "x-pointsman-dry", "x-forwarded-for"):
        assert request.header(name) is None
    assert CALLER_KEY not in str(request.headers)


async def test_without_a_key_of_ours_the_callers_key_goes_on(
    start_proxy: StartProxy, openrouter: ScriptedUpstream
) -> None:
    proxy = start_proxy(upstream_url=openrouter.url, openrouter_api_key="")
    openrouter.plays(reply(b"{}"))
    await proxy.client.post(
        proxy.url + CHAT, json=ASK, headers={"authorization": f"Bearer {CALLER_KEY}"}
    )
    assert openrouter.only_request.header("authorization") == f"Bearer {CALLER_KEY}"


async def test_with_caller_keys_set_only_their_holders_get_in(
    start_proxy: StartProxy, openrouter: ScriptedUpstream
) -> None:
    keys = f"anna:{CALLER_KEY},bob:k2"
    proxy = start_proxy(upstream_url=openrouter.url, caller_keys=keys, operators="anna")
    openrouter.plays(reply(b"{}"))
    for headers in ({}, {"authorization": "Bearer wrong"}, {"x-api-key": CALLER_KEY + "x"}):
        answer = await proxy.client.post(proxy.url + CHAT, json=ASK, headers=headers)
        assert answer.status_code == 401
        assert answer.json()["error"]["code"] == "unknown_caller_key"
    for path in ("/pointsman/receipts", "/v1/models", "/metrics"):
        assert (await proxy.client.get(proxy.url + path)).status_code == 401
    page = await proxy.client.get(f"{proxy.url}/dashboard")
    assert (page.status_code, page.text) == (303, "")  # to where a key can be shown
    assert (await proxy.client.get(proxy.url + "/health")).status_code == 200
    assert not openrouter.requests

    shown = {"x-api-key": CALLER_KEY}
    assert (await proxy.client.post(proxy.url + CHAT, json=ASK, headers=shown)).status_code == 200
    assert CALLER_KEY not in str(openrouter.only_request.headers)
    proxy.client.headers.update(shown)
    newest, *refused = await proxy.receipts(4)
    assert newest["caller"] == "anna"
    assert [receipt["caller"] for receipt in refused] == [None] * 3


async def test_t45_a_request_can_not_choose_the_upstream(
    proxy: Proxy, openrouter: ScriptedUpstream
) -> None:
    openrouter.plays(reply(b"{}"))
    async with ScriptedUpstream() as elsewhere:
        elsewhere.plays(reply(b"{}"))
        target = elsewhere.url
        await proxy.client.post(
            proxy.url + CHAT,
            json={**ASK, "api_base": target, "base_url": target},
            headers={"x-upstream": target, "x-forwarded-host": target},
        )
        assert not elsewhere.requests
    assert len(openrouter.requests) == 1


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.7"])  # noqa: S104 - refused
def test_t43_listening_beyond_loopback_needs_keys_or_a_clear_word(host: str) -> None:
    with pytest.raises(SettingsError, match=r"POINTSMAN_CALLER_KEYS.*--open"):
        Settings.read(host=host).check_exposure()
    Settings.read(host=host, open=True).check_exposure()
    Settings.read(host=host, caller_keys="a:b", openrouter_api_key="k").check_exposure()


def test_caller_keys_without_a_key_for_upstream_are_a_start_up_error() -> None:
    with pytest.raises(SettingsError, match="OPENROUTER_API_KEY"):
        Settings.read(caller_keys="a:b").check_exposure()


@pytest.mark.parametrize("name", ["%252e%252e", "%25%32%65%252e"])
async def test_what_came_encoded_twice_goes_on_encoded_twice(
    proxy: Proxy, openrouter: ScriptedUpstream, name: str
) -> None:
    """Decoded once on the way, it would mean another path upstream than it did here."""
    openrouter.plays(reply(b"{}"))
    await proxy.client.post(f"{proxy.url}/v1/files/{name}/parts", json=ASK)
    assert openrouter.only_request.target == "/api/v1/files/%252e%252e/parts"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/Chat/Completions"),
        ("POST", "/v1/chat/completions;a"),
        ("POST", "/v1/chat/completions%20"),
        ("POST", "/v1/chat/completions%00"),
        ("POST", "/v1/chat/completions%3Fx"),
        ("POST", "/v1/chat%5Ccompletions"),
        ("POST", "/v1/files/%252e%252e/chat/completions"),
        ("POST", "/v1/chat;a=1/completions"),
        ("POST", "/v1/chat/completions%EF%BB%BF"),
        ("POST", "/v1/%EF%BD%83hat/completions."),
        ("POST", "/v1/%25%36%33hat%252Fcompletions"),
        ("POST", "/v1/chat%2509/completions"),
        ("PATCH", "/v1/chat/completions"),
        ("PUT", "/v1/messages"),
    ],
)
async def test_what_is_nearly_an_inference_path_does_not_pass_unjudged(
    proxy: Proxy, openrouter: ScriptedUpstream, method: str, path: str
) -> None:
    openrouter.plays(reply(b"{}"))
    answer = await proxy.client.request(method, proxy.url + path, json=ASK)
    assert answer.status_code == 404
    assert "use POST /v1/" in answer.json()["error"]["message"]
    assert not openrouter.requests


async def test_what_leaves_no_receipt_names_none(
    proxy: Proxy, openrouter: ScriptedUpstream
) -> None:
    openrouter.plays(reply(b"{}", status=404))
    for path, headers in (("/v1/files", {}), ("/v1/models", {"origin": "https://evil.example"})):
        answer = await proxy.client.get(proxy.url + path, headers=headers)
        assert "x-pointsman-receipt" not in answer.headers


@pytest.mark.parametrize(
    "headers",
    [
        [("authorization", "Bearer any"), ("x-api-key", CALLER_KEY)],
        [("authorization", f"Bearer {CALLER_KEY}"), ("x-api-key", "any")],
        [("authorization", "Bearer any"), ("authorization", f"Bearer {CALLER_KEY}")],
    ],
)
@pytest.mark.parametrize("path", [CHAT, "/v1/messages/count_tokens", "/v1/files"])
async def test_a_right_caller_key_in_either_place_is_enough_and_stays_here(
    start_proxy: StartProxy,
    openrouter: ScriptedUpstream,
    headers: list[tuple[str, str]],
    path: str,
) -> None:
    proxy = start_proxy(upstream_url=openrouter.url, caller_keys=f"anna:{CALLER_KEY}")
    openrouter.plays(reply(b'{"input_tokens": 1}'))
    answer = await proxy.client.post(proxy.url + path, json=ASK, headers=headers)
    assert answer.status_code == 200
    assert openrouter.only_request.header("authorization") == f"Bearer {UPSTREAM_KEY}"
    assert openrouter.only_request.header("x-api-key") is None
    assert CALLER_KEY not in str(openrouter.only_request)


async def test_wrong_keys_are_braked_without_a_receipt_for_each_and_right_ones_are_not(
    start_proxy: StartProxy, openrouter: ScriptedUpstream
) -> None:
    openrouter.plays(reply(b"{}"))
    keys = f"anna:{CALLER_KEY}"
    proxy = start_proxy(upstream_url=openrouter.url, caller_keys=keys, operators="anna")
    answers = [
        await proxy.client.post(proxy.url + CHAT, json=ASK, headers={"x-api-key": f"guess-{n}"})
        for n in range(WRONG_KEYS_A_MINUTE_LOOPBACK + 60)
    ]
    statuses = [answer.status_code for answer in answers]
    assert statuses[:WRONG_KEYS_A_MINUTE_LOOPBACK] == [401] * WRONG_KEYS_A_MINUTE_LOOPBACK
    assert statuses[-1] == 429
    assert int(answers[-1].headers["retry-after"]) >= 1
    assert answers[-1].json()["error"]["code"] == "too_many_wrong_keys"
    shown = {"x-api-key": CALLER_KEY}
    assert (await proxy.client.post(proxy.url + CHAT, json=ASK, headers=shown)).status_code == 200
    page = await proxy.client.get(f"{proxy.url}/dashboard")
    assert page.status_code == 303  # a person is asked for a key all the same
    form = await proxy.client.post(
        f"{proxy.url}/dashboard/sign-in", data={"key": "x"}, headers={"origin": proxy.url}
    )
    assert (form.status_code, "wait " in form.text) == (429, True)
    proxy.client.headers.update(shown)

    async def statuses_filed() -> list[int]:
        answer = await proxy.client.get(f"{proxy.url}/pointsman/receipts?limit=1000")
        return [one["status"] for one in answer.json()["receipts"]]

    async def the_last_is_filed() -> bool:
        return 200 in await statuses_filed()

    await until_seen(the_last_is_filed)
    filed = await statuses_filed()
    assert filed.count(200) == 1
    assert REFUSALS_FILED_A_MINUTE <= filed.count(401) < WRONG_KEYS_A_MINUTE_LOOPBACK
    assert filed.count(429) == 0
    metrics = (await proxy.client.get(f"{proxy.url}/metrics")).text
    for name, rest in (
        ("unknown_caller_key", statuses.count(401) - filed.count(401)),
        ("too_many_wrong_keys", statuses.count(429)),
    ):
        assert f'pointsman_turned_away_total{{code="{name}"}} {rest}.0' in metrics


@pytest.mark.parametrize("charset", ["utf-16", "utf-7", "iso-8859-1"])
async def test_t42_json_in_another_charset_is_a_415(
    proxy: Proxy, openrouter: ScriptedUpstream, charset: str
) -> None:
    headers = {"content-type": f"application/json; charset={charset}"}
    body = '{"model":"acme/sim-1"}'.encode(charset)
    answer = await proxy.client.post(proxy.url + CHAT, content=body, headers=headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (415, "unsupported_content")
    assert charset in answer.json()["error"]["message"]
    assert not openrouter.requests


@pytest.mark.parametrize("blank", ["\ufeff", "\u00a0", "\u200b", "\t"])
async def test_a_blank_around_a_models_name_is_no_way_round_its_rule(
    start_proxy: StartProxy, openrouter: ScriptedUpstream, blank: str
) -> None:
    policy = "version: 1\nrules:\n  - {name: r, models: ['acme/*'], zdr: true}\n"
    proxy = start_proxy(policy, upstream_url=openrouter.url)
    openrouter.plays(reply(b"{}"))
    ask = {**ASK, "model": f"{blank}acme/sim-1{blank}"}
    await proxy.client.post(proxy.url + CHAT, json=ask)
    assert openrouter.only_request.json["provider"] == {"zdr": True}
    assert openrouter.only_request.json["model"] == ask["model"]


async def test_a_long_path_does_not_swell_the_ledger(
    start_proxy: StartProxy, openrouter: ScriptedUpstream
) -> None:
    proxy = start_proxy(upstream_url=openrouter.url, openrouter_api_key="")
    path = "/v1" + "/chat/completions" * 400
    assert (await proxy.client.post(proxy.url + path, json=ASK)).status_code == 401
    assert (await proxy.only_receipt())["path"] == path[:256]
