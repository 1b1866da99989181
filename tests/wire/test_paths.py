"""However a base URL was written, the caller arrives; no spelling gets past the policy."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.wire.dialect import DIALECTS
from app.wire.paths import (
    base_of,
    canonical_path,
    error_shape,
    is_below_base,
    nearly,
    probably_meant,
)

PREFIXES = ["", "/v1", "/api/v1", "/api", "/v1/v1", "/api/v1/api/v1", "/v1/", "//v1", "/v1//v1/."]
SUFFIXES = ["", "/", "//", "/.", "/x/.."]


@pytest.mark.parametrize("path", DIALECTS)
@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_t35_every_way_to_write_a_base_url_arrives(path: str, prefix: str, suffix: str) -> None:
    assert canonical_path(prefix + path + suffix) == path


@pytest.mark.parametrize("path", DIALECTS)
@pytest.mark.parametrize("again", ["", "/v1", "/api/v1"])
def test_t35_a_base_url_with_the_endpoint_in_it_arrives(path: str, again: str) -> None:
    assert canonical_path(f"/v1{path}{again}{path}") == path
    assert canonical_path(f"/v1{path}{again}{path}{again}{path}") == path


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/v1/models", "/models"),
        (
            "/api/v1/models/qwen/qwen3-coder:free/endpoints",
            "/models/qwen/qwen3-coder:free/endpoints",
        ),
        ("/v1/messages/count_tokens", "/messages/count_tokens"),
        ("/v1/messages/v1/messages/count_tokens", "/messages/count_tokens"),
        ("/v1/models/author/v1", "/models/author/v1"),
        ("/v1/chat", "/chat"),
        ("/v1/responses/compact", "/responses/compact"),
        ("/", "/"),
        ("", "/"),
        ("/v1", "/"),
    ],
)
def test_t35_any_other_path_loses_its_prefix_and_stray_slashes_only(
    path: str, expected: str
) -> None:
    assert canonical_path(path) == expected


@pytest.mark.parametrize(
    "path",
    [
        "/v1/models/../chat/completions",
        "/v1/./chat/./completions",
        "/../../v1/chat//completions",
        "/v1/chat/x/../completions",
        "/pointsman/../v1/chat/completions",
    ],
)
def test_dots_do_not_lead_past_the_policy(path: str) -> None:
    assert canonical_path(path) == "/chat/completions"


segments = st.sampled_from(
    ["", ".", "..", "api", "v1", "chat", "completions", "messages", "models"]
)


@given(st.lists(segments).map("/".join))
def test_a_canonical_path_stays_as_it_is(path: str) -> None:
    once = canonical_path(path)
    assert canonical_path(once) == once
    assert once.startswith("/")
    assert not {".", ".."} & set(once.split("/"))


@pytest.mark.parametrize(
    "path",
    [
        "/v1/Chat/Completions",
        "/v1/chat/completions;a=1",
        "/v1/chat/completions ",
        "/v1/chat\\completions",
        "/v1/chat/completions?x",
        "/v1/chat/completions#x",
        "/v1/chat/completions\0",
        "/API/V1/MESSAGES",
        "/v1/chat/completions",
    ],
)
def test_what_another_reader_might_take_for_one_of_ours_is_seen(path: str) -> None:
    assert nearly(path) in {"/chat/completions", "/messages"}


@pytest.mark.parametrize("path", ["/v1/models", "/v1/beta/chat/completions", "/", "/v1/files/x;y"])
def test_other_paths_are_like_none_of_ours(path: str) -> None:
    assert nearly(path) is None


@pytest.mark.parametrize(
    ("path", "meant"),
    [
        ("/chat/completions", "/chat/completions"),
        ("/v2/chat/completions", "/chat/completions"),
        ("/chat/completion", "/chat/completions"),
        ("/openai/Responses", "/responses"),
        ("/model", "/models"),
        ("/nowhere", None),
        ("/", None),
    ],
)
def test_a_path_that_is_not_served_has_a_nearest_one(path: str, meant: str | None) -> None:
    assert probably_meant(path) == meant


@pytest.mark.parametrize(
    ("path", "by_header", "shape"),
    [
        ("/v1/messages", False, "anthropic"),
        ("/v1/messages/count_tokens", False, "anthropic"),
        ("/v1/messages/v1/messages/count_tokens", False, "anthropic"),
        ("/api/v1/messages/batches/b-1", False, "anthropic"),
        ("/v1/models", True, "anthropic"),
        ("/v1/files", True, "anthropic"),
        ("/v1/models", False, "openai"),
        ("/v1/messages_of_mine", False, "openai"),
        ("/v1/chat/completions", True, "openai"),  # what is sent there is OpenAI's
        ("/v1/responses", False, "openai"),
    ],
)
def test_errors_have_the_shape_that_the_client_reads(
    path: str, shape: str, *, by_header: bool
) -> None:
    headers = {b"host", b"anthropic-version"} if by_header else {b"host"}
    assert error_shape(path, headers) == shape


@pytest.mark.parametrize("base", ["", "/v1", "/api/v1", "/a/b/v1", "/models/v1"])
@pytest.mark.parametrize(
    "endpoint",
    [
        *DIALECTS,
        *("/chat", "/messages/count_tokens", "/models", "/models/user", "/models/count"),
        "/models/qwen/qwen3-coder/endpoints",
    ],
)
def test_a_base_address_is_found_in_that_of_an_endpoint(base: str, endpoint: str) -> None:
    assert base_of(base + endpoint) == base
    assert base_of(f"{base}{endpoint.upper()}/") == base


@pytest.mark.parametrize("path", ["", "/", "/api/v1", "/models/v1", "/mymodels", "/v1/chats"])
def test_a_base_address_names_no_endpoint(path: str) -> None:
    assert base_of(path) is None


@pytest.mark.parametrize(
    ("path", "below"),
    [
        ("/v1/files", True),
        ("//v1//files/", True),
        ("/api/alpha/x", True),
        ("/v1", True),
        ("/files", False),
        ("/v1/../health", False),
        ("/pointsman/receipts/", False),
        ("/", False),
        ("", False),
    ],
)
def test_a_path_is_openrouters_by_how_it_begins(path: str, *, below: bool) -> None:
    assert is_below_base(path) is below
