"""What an observer can tell before an answer has ended."""

from app.wire.dialect import DIALECTS
from app.wire.observer import Observer

CHAT = DIALECTS["/chat/completions"]
NAMED = b'data: {"provider":"Novita","model":"a/b","choices":[]}\n\n'


def test_a_stream_names_its_provider_with_its_first_event() -> None:
    observer = Observer(CHAT, content_type="text/event-stream")
    observer.feed(b": OPENROUTER PROCESSING\n\n" + NAMED[:-3])
    named = [observer.provider_named]
    observer.feed(NAMED[-3:])
    assert [*named, observer.provider_named] == [False, True]
    assert (observer.so_far.provider, observer.so_far.done) == ("Novita", False)


def test_router_metadata_names_it_too() -> None:
    observer = Observer(CHAT, content_type="text/event-stream")
    observer.feed(b'data: {"openrouter_metadata":{"endpoints":{}}}\n\n')
    assert observer.provider_named


def test_a_whole_body_tells_nothing_before_it_is_closed() -> None:
    observer = Observer(CHAT, content_type="application/json")
    observer.feed(b'{"provider":"Novita"}')
    assert not observer.provider_named
    assert observer.so_far.provider is None
    assert observer.close().provider == "Novita"
    assert observer.provider_named


def test_closing_again_tells_the_same() -> None:
    for kind, body in (("application/json", b"{"), ("text/event-stream", NAMED + b"data: {")):
        observer = Observer(CHAT, content_type=kind)
        observer.feed(body)
        assert observer.close() == observer.close() == observer.so_far
