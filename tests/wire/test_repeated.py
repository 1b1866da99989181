"""Of events that repeat the last one but for a text, only the text is read; no fact is missed."""

import json
from collections.abc import Iterable
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.wire import observer as observers
from app.wire.dialect import DIALECTS, Dialect
from app.wire.frame import read_frame
from app.wire.kept import Kept
from app.wire.observation import Observation
from app.wire.observer import Observer
from app.wire.repeated import Repeated, split_at

MOST_LOOKS = 8  # at an event, to learn in what others differ
READ_FIRST = 4  # events that are read whole in any case
CHAT, MESSAGES = DIALECTS["/chat/completions"], DIALECTS["/messages"]
COMPLETIONS, EMBEDDINGS = DIALECTS["/completions"], DIALECTS["/embeddings"]


def chat(text: str, **more: Any) -> bytes:
    choice = {"index": 0, "delta": {"role": "assistant", "content": text}, "finish_reason": None}
    event = {"id": "gen-1", "provider": "DeepInfra", "model": "m", "choices": [choice], **more}
    return b"data: %b\n\n" % json.dumps(event, ensure_ascii=False).encode(errors="replace")


def block(text: str) -> bytes:
    event = {
        "type": "content_block_delta",
        "index": 0,
        "delta": {"type": "text_delta", "text": text},
    }
    return b"event: content_block_delta\ndata: %b\n\n" % json.dumps(event).encode()


def completion(text: str) -> bytes:
    return (
        b'data: {"provider":"P","choices":[{"index":0,"text":%b}]}\n\n' % json.dumps(text).encode()
    )


SAME = [chat("a")] * READ_FIRST


def observer(dialect: Dialect = CHAT, *, keep: int = 1000) -> Observer:
    return Observer(dialect, content_type="text/event-stream", keep=keep)


def read(
    chunks: Iterable[bytes], dialect: Dialect = CHAT, *, looks: bool = True, keep: int = 1000
) -> tuple[Observation, int | None, Kept | None]:
    """All that is learned of a stream; without `looks`, every event is read whole."""
    with patch.object(observers, "_LOOKS", MOST_LOOKS if looks else 0):
        reading = observer(dialect, keep=keep)
    for chunk in chunks:
        reading.feed(chunk)
    events = reading.events
    return reading.close(), events, reading.kept


@pytest.fixture
def read_whole(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The events that are read as JSON."""
    whole: list[bytes] = []

    def noted(data: bytes) -> Any:
        whole.append(data)
        return read_frame(data)

    monkeypatch.setattr(observers, "read_frame", noted)
    return whole


@pytest.mark.parametrize(
    ("dialect", "event"), [(CHAT, chat), (MESSAGES, block), (COMPLETIONS, completion)]
)
def test_of_an_event_that_repeats_the_last_only_the_text_is_read(
    dialect: Dialect, event: Any, read_whole: list[bytes]
) -> None:
    """Also where a text needs escapes, looks like JSON, or is not ASCII."""
    texts = ["Hel", "lo", ' "x": ', "\n\t\\", "\N{GRINNING FACE} é", '"}}]}', "a"]
    reading = observer(dialect)
    for _ in range(READ_FIRST):
        reading.feed(event("a"))
    read_whole.clear()
    for text in texts:
        reading.feed(event(text))
    assert reading.kept is not None
    assert reading.kept.text.decode() == "a" * READ_FIRST + "".join(texts)
    assert reading.events == READ_FIRST + len(texts)
    assert not read_whole


def test_without_defects_nothing_is_kept_and_all_is_known(read_whole: list[bytes]) -> None:
    events = [*SAME, chat("b"), chat("c"), chat("d", usage={"completion_tokens": 4})]
    seen, count, kept = read(events, keep=0)
    assert kept is None
    assert (count, seen.provider, seen.said) == (READ_FIRST + 3, "DeepInfra", True)
    assert seen.usage is not None
    assert chat("c")[6:-2] not in read_whole


def test_another_provider_is_noticed_in_any_event() -> None:
    events = [*SAME, chat("b"), chat("c", provider="Together"), chat("d"), chat("e")]
    seen, *_ = read(events)
    assert seen.provider_names == ("DeepInfra", "Together")
    assert seen.provider == "DeepInfra"  # named last


def test_a_string_that_is_the_text_by_chance_is_not_taken_for_it() -> None:
    """The last one is tried: another text there would be no text, but another provider."""
    events = [
        b'data: {"choices":[{"delta":{"content":%b}}],"provider":"A"}\n\n' % text
        for text in (b'"A"', b'"B"')
    ]
    events = [events[0]] * READ_FIRST + events
    assert read(events) == read(events, looks=False)
    events += [b'data: {"choices":[{"delta":{"content":"A"}}],"provider":"B"}\n\n']
    assert read(events)[0].provider_names == ("A", "B")


def test_what_counts_each_time_is_not_learned(read_whole: list[bytes]) -> None:
    """A second choice, a tool call or usage in each event is read in each."""
    call = {"index": 0, "id": "c", "function": {"name": "f", "arguments": "{}"}}
    delta = {"content": "a", "tool_calls": [call]}
    for more in ({"usage": {"cost": 1}}, {"choices": [{"index": 0, "delta": delta}]}):
        read_whole.clear()
        events = [chat("a", **more)] * (READ_FIRST + 2)
        assert read(events) == read(events, looks=False)
        assert read_whole.count(events[0][6:-2]) >= 2 * len(events)


def test_a_stream_of_ever_other_events_is_not_tried_for_ever(read_whole: list[bytes]) -> None:
    events = [chat(f"text {n}", nonce=f"{n:04}") for n in range(50)]
    found = read(events)
    assert len(read_whole) <= 50 + 2 * MOST_LOOKS
    assert found == read(events, looks=False)


def test_a_piece_that_is_no_whole_event_is_not_learned() -> None:
    """The rest of an event whose beginning came before, and one behind half a line end."""
    cut = chat("a")
    for pieces in ([cut[:30], cut[30:]], [b": c\n", cut], [b": c\r", b"\n" + cut], [cut + b"data"]):
        for more in ([cut], [cut[30:]], [b"\n" + cut]):
            chunks = [*SAME[1:], *pieces, *more * 3]
            assert read(chunks) == read(chunks, looks=False)


def test_an_api_whose_answers_no_model_writes_has_no_text(read_whole: list[bytes]) -> None:
    read(SAME * 2, EMBEDDINGS)
    assert len(read_whole) == 2 * READ_FIRST


def test_what_is_kept_ends_at_its_bound() -> None:
    events = [chat("12345678")] * (READ_FIRST + 3)
    for keep in (7, 40, 47, 48, 56):
        found = read(events, keep=keep)
        assert found == read(events, looks=False, keep=keep)
        assert found[2] is not None
        assert found[2].truncated == (keep < 56)


def test_a_text_that_is_not_one_whole_string_is_left_to_the_reader() -> None:
    found = split_at(b"a", b'{"t":"a"}')
    assert found is not None
    assert found == Repeated(b'{"t":"', b'"}')
    assert found.around(b"b") == b'{"t":"b"}'
    assert found.text_in(b'{"t":"b\\u00e9"}') == "bé".encode()
    for other in (b'"', b'b","u":"c', b"b\\", b"\xff", b"\x01", b"\\ud83d", b"\xef\xbf\xbd", b""):
        assert not found.text_in(found.around(other))
    for other in (b'{"t":"', b'"}', b'{"u":"a"}', b'{"t":"a"} '):
        assert found.text_in(other) is None
    assert split_at(b"b", b'{"t":"a"}') is None


TEXTS = st.one_of(
    st.text(max_size=4),
    st.sampled_from(["", "x", '"', "\\", "\ufffd", "DeepInfra", '","content":"']),
)
EVENTS = st.one_of(
    st.builds(chat, TEXTS),
    st.builds(lambda text: chat(text, provider="Together"), TEXTS),
    st.builds(lambda text: chat(text).replace(b"DeepInfra", b"\\ud83d"), TEXTS),
    st.builds(lambda text: chat(text)[:-9], TEXTS),
    st.builds(lambda text: chat(text) + chat(text), TEXTS),
    st.sampled_from(
        [
            b"data: [DONE]\n\n",
            b": comment\n\n",
            b": comment\n",
            b"\n",
            b"\r",
            chat("a").replace(b'"a"', b'"\xff"'),
            chat("a").replace(b'"a"', b'"a","content":"b"'),
            chat("", error={"code": 502, "message": "broken"}),
            chat("c", choices=[{"index": 0, "delta": {"content": "c"}, "finish_reason": "stop"}]),
        ]
    ),
)


@given(st.lists(EVENTS, max_size=12), st.sampled_from([0, 10, 1000]))
@example([chat("a"), chat("b")[:-1], b"\n", chat("c")], 1000)
@example([chat("a"), b"\r", chat("b"), b"\n", chat("c")], 1000)
def test_any_stream_tells_the_same_as_when_all_of_it_is_read(
    chunks: list[bytes], keep: int
) -> None:
    chunks = [*SAME[1:], *chunks]
    assert read(chunks, keep=keep) == read(chunks, looks=False, keep=keep)
