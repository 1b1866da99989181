"""A caller's key reads its own receipts; callers named as operators read all."""

from typing import Any

import httpx2
import pytest

from app.errors import SettingsError
from app.settings import Settings
from tests.conftest import Proxy, StartProxy
from tests.scripted_upstream import ScriptedUpstream, reply

CHAT = "/v1/chat/completions"
KEYS = {"anna": "key-of-anna", "bob": "key-of-bob", "root": "key-of-root"}
SAID = "said-by-"


def keyed(name: str) -> dict[str, str]:
    return {"x-api-key": KEYS[name]}


@pytest.fixture
async def asked(start_proxy: StartProxy, openrouter: ScriptedUpstream) -> Proxy:
    """A proxy that anna has asked twice, bob once, and somebody without a key once."""
    openrouter.plays(reply(b'{"provider":"Novita","usage":{"cost":0.5}}'))
    proxy = start_proxy(
        upstream_url=openrouter.url,
        caller_keys=",".join(f"{name}:{key}" for name, key in KEYS.items()),
        operators="root",
    )
    for name in ("anna", "bob", "anna"):
        ask = {"model": f"{SAID}{name}/m", "messages": []}
        assert (await get(proxy, "anna", "/health")).status_code == 200
        await proxy.client.post(proxy.url + CHAT, json=ask, headers=keyed(name))
    await proxy.client.post(proxy.url + CHAT, json={"model": f"{SAID}nobody/m"})
    for _ in range(100):
        if len((await get(proxy, "root", "/pointsman/receipts")).json()["receipts"]) == 4:
            break
    return proxy


async def get(proxy: Proxy, name: str, path: str) -> httpx2.Response:
    return await proxy.client.get(proxy.url + path, headers=keyed(name))


async def listed(proxy: Proxy, name: str, query: str = "") -> list[dict[str, Any]]:
    answer = await get(proxy, name, f"/pointsman/receipts?{query}")
    found: list[dict[str, Any]] = answer.json()["receipts"]
    return found


async def test_a_list_has_the_callers_own_receipts_only(asked: Proxy) -> None:
    assert [one["caller"] for one in await listed(asked, "anna")] == ["anna", "anna"]
    assert [one["caller"] for one in await listed(asked, "bob")] == ["bob"]
    assert [one["caller"] for one in await listed(asked, "bob", "caller=bob")] == ["bob"]
    everybody = [one["caller"] for one in await listed(asked, "root")]
    assert everybody == [None, "anna", "bob", "anna"]
    assert [one["caller"] for one in await listed(asked, "root", "caller=bob")] == ["bob"]


@pytest.mark.parametrize("path", ["receipts", "stats"])
async def test_to_ask_for_somebody_elses_is_a_403_that_names_the_setting(
    asked: Proxy, path: str
) -> None:
    answer = await get(asked, "bob", f"/pointsman/{path}?caller=anna")
    assert answer.status_code == 403
    assert "POINTSMAN_OPERATORS" in answer.text


async def test_somebody_elses_receipt_is_not_there(asked: Proxy) -> None:
    (bobs,) = await listed(asked, "bob")
    path = f"/pointsman/receipts/{bobs['id']}"
    assert (await get(asked, "bob", path)).json()["caller"] == "bob"
    assert (await get(asked, "root", path)).status_code == 200
    theirs, none = await get(asked, "anna", path), await get(asked, "anna", path + "x")
    assert (theirs.status_code, none.status_code) == (404, 404)
    assert theirs.text.replace(bobs["id"], "") == none.text.replace(bobs["id"] + "x", "")


async def test_figures_are_of_the_callers_own_receipts(asked: Proxy) -> None:
    for name, requests, callers in (("anna", 2, {"anna"}), ("root", 4, {"anna", "bob", None})):
        told = (await get(asked, name, "/pointsman/stats?by=caller")).json()
        assert told["total"]["requests"] == requests
        assert {group["caller"] for group in told["groups"]} == callers


PAGES = ("", "/who", "/quality", "/money", "/policy")


@pytest.mark.parametrize("signed_in", [False, True])
async def test_pages_show_the_callers_own_receipts(asked: Proxy, *, signed_in: bool) -> None:
    headers = keyed("bob")
    if signed_in:
        answer = await asked.client.post(
            f"{asked.url}/dashboard/sign-in",
            data={"key": KEYS["bob"]},
            headers={"origin": asked.url},
        )
        headers = {"cookie": answer.headers["set-cookie"].partition(";")[0]}
        asked.client.cookies.clear()
    for page in PAGES:
        shown = await asked.client.get(f"{asked.url}/dashboard{page}", headers=headers)
        assert shown.status_code == 200
        assert f"{SAID}anna" not in shown.text
        assert f"{SAID}nobody" not in shown.text
    everything = ""
    for page in PAGES:
        everything += (await get(asked, "root", f"/dashboard{page}")).text
    assert f"{SAID}anna" in everything
    now = await asked.client.get(f"{asked.url}/dashboard?caller=anna", headers=headers)
    assert f"{SAID}bob" in now.text
    assert f"{SAID}anna" not in now.text
    assert "only receipts of bob are shown" in now.text
    (annas, *_) = await listed(asked, "anna")
    path = f"/dashboard/receipts/{annas['id']}"
    assert (await asked.client.get(asked.url + path, headers=headers)).status_code == 404


async def test_the_live_tail_shows_the_callers_own_receipts(asked: Proxy) -> None:
    async def tail(name: str) -> str:
        told = ""
        url = f"{asked.url}/dashboard/live?after=0&caller=anna"
        async with asked.client.stream("GET", url, headers=keyed(name)) as answer:
            async for line in answer.aiter_lines():
                told += line
                if told and not line and ("receipts" in told or "well" in told):
                    return told
        raise AssertionError("it ended")

    told = await tail("bob")
    assert f"{SAID}bob" in told
    assert f"{SAID}anna" not in told
    assert f"{SAID}anna" in await tail("root")


def test_an_operator_that_is_no_caller_is_an_error_at_start() -> None:
    keys = {"caller_keys": "anna:k", "openrouter_api_key": "x"}
    Settings.read(**keys, operators=" anna ,").check_exposure()
    for operators in ("bob", "anna,Anna"):
        with pytest.raises(SettingsError, match=r"POINTSMAN_OPERATORS names '(bob|Anna)'"):
            Settings.read(**keys, operators=operators).check_exposure()
    with pytest.raises(SettingsError, match="POINTSMAN_OPERATORS"):
        Settings.read(operators="anna").check_exposure()
