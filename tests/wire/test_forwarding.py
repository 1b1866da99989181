"""Which headers the settings may add to those that are forwarded."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.wire.forwarding import read_forwarded
from app.wire.header_names import header_given, names_of
from app.wire.never_forwarded import HOP_BY_HOP, why_never


@pytest.mark.parametrize(
    ("entry", "read"),
    [
        ("X-Team", "x-team"),
        (" x-exp-* ", "x-exp-*"),
        ("x-claude-code-*", "x-claude-code-*"),
        ("x-openai-subagent", "x-openai-subagent"),
        ("baggage", "baggage"),
        ("X-OpenRouter-Title", "x-openrouter-title"),  # forwarded without the setting
        ("authorization", "authorization"),  # the same
        ("x-stainless-*", "x-stainless-*"),
    ],
)
def test_what_is_harmless_can_be_added(entry: str, read: str) -> None:
    assert read_forwarded(entry) == read


@pytest.mark.parametrize(
    ("reason", "entries"),
    [
        ("it holds a credential", "cookie Set-Cookie proxy-authorization api-key x-auth-token"),
        ("it holds a credential", "helicone-auth cf-aig-authorization x-my-api-key x-db-password"),
        ("it says where a request came from", "forwarded via x-real-ip X-Forwarded-For"),
        ("it says where a request came from", "x-forwarded-new cf-connecting-ip"),
        ("it describes one connection", "connection te upgrade transfer-encoding expect"),
        ("Pointsman writes it", "host content-length accept-encoding"),
        ("it is for Pointsman alone", "x-pointsman-dry-run x-pointsman-anything"),
        ("OpenRouter could use it to choose", "x-or-endpoint-id x-or-new x-provider-flags"),
        ("OpenRouter could use it to choose", "x-openrouter-provider x-openrouter-fusion-depth"),
        ("it could change which path", "x-http-method-override x-original-url"),
    ],
)
def test_t33_what_could_do_harm_can_not_be_added(reason: str, entries: str) -> None:
    for entry in entries.split():
        with pytest.raises(ValueError, match=reason) as caught:
            read_forwarded(entry)
        assert str(caught.value).startswith(f"{entry.lower()!r} is never forwarded, because ")


@pytest.mark.parametrize(
    "entry",
    [
        *("x-*", "x*", "c*", "x-or*", "x-o*", "x-openrouter-*", "x-openrouter-cache-*"),
        *("x-provider-*", "x-prov*", "x-forwarded-*", "x-forwarded-f*", "x-real-*", "cook*"),
        *("x-pointsman-d*", "auth*", "x-api-*", "a*", "te*", "via*"),
    ],
)
def test_t33_a_prefix_may_not_cover_what_could_do_harm(entry: str) -> None:
    with pytest.raises(ValueError, match="covers a header that is never forwarded, because"):
        read_forwarded(entry)


@pytest.mark.parametrize("entry", ["*", "x foo", "x-foo: secret", "x-*-y", "é", "", "x" * 101])
def test_what_is_no_name_is_named_without_its_value(entry: str) -> None:
    with pytest.raises(ValueError, match="is not the name of a header") as caught:
        read_forwarded(entry)
    assert "secret" not in str(caught.value)


def test_every_hop_by_hop_header_has_a_reason() -> None:
    assert all(why_never(name.decode()) for name in HOP_BY_HOP)


@given(st.text(max_size=20))
def test_garbage_is_read_or_refused(entry: str) -> None:
    try:
        read = read_forwarded(entry)
    except ValueError:
        return
    assert names_of((read,)).meet(read)


@given(st.text(max_size=20) | st.just("\udcff: \udc80"))
def test_a_header_can_be_read_from_any_text(text: str) -> None:
    name, value = header_given(text)
    assert name == name.strip()
    assert value == value.strip()
