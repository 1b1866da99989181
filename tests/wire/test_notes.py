"""Notes add up frame by frame; values of the wrong type are passed over."""

from app.wire.frame import Frame
from app.wire.notes import Notes
from app.wire.observation import Observation, Usage
from tests.wire.recordings import CHAT, RESPONSES


def test_nothing_taken_is_nothing_observed() -> None:
    assert Notes(CHAT).observation() == Observation()


def test_what_was_learned_is_not_unlearned_by_silence_or_rubbish() -> None:
    notes = Notes(CHAT)
    choice = {"finish_reason": "stop", "native_finish_reason": "end_turn"}
    notes.take(Frame(id="gen-1", provider="Novita", model="a/b", choices=[choice]))
    notes.take(Frame(usage={"prompt_tokens": 1}))
    notes.take(Frame(id=7, provider=["x"], model={}, choices="none", usage=[3]))
    notes.take(Frame(id="gen-2", choices=[{"finish_reason": None}]))
    assert notes.observation() == Observation(
        generation_id="gen-1",
        provider="Novita",
        provider_names=("Novita",),
        model="a/b",
        finish_reason="stop",
        native_finish_reason="end_turn",
        usage=Usage(prompt_tokens=1),
    )


def test_a_response_in_progress_has_not_finished() -> None:
    notes = Notes(RESPONSES)
    for status in ("queued", "in_progress", 5):
        notes.take(Frame(status=status))
    assert notes.observation().finish_reason is None
    notes.take(Frame(status="completed"))
    assert notes.observation().finish_reason == "completed"


def test_router_metadata_is_that_of_the_last_frame_that_has_any() -> None:
    notes = Notes(CHAT)
    notes.take(Frame(openrouter_metadata={"strategy": "direct"}))
    notes.take(Frame(openrouter_metadata=[1]))
    metadata = notes.observation().metadata
    assert metadata is not None
    assert metadata.strategy == "direct"


def test_of_attempts_without_end_so_many_are_kept_and_the_rest_is_known_to_be_missing() -> None:
    notes = Notes(CHAT)
    rows = [{"provider": f"p{number}", "status": 500} for number in range(10_000)]
    metadata = {"attempts": rows, "endpoints": {"available": rows}}
    notes.take(Frame(openrouter_metadata=metadata, error={"metadata": {"previous_errors": rows}}))
    seen = notes.observation()
    assert seen.metadata is not None
    assert seen.error is not None
    assert [len(each) for each in (seen.metadata.attempts, seen.error.previous)] == [256] * 2
    assert (seen.partly_read, seen.unreadable) == (
        True,
        "the router metadata lists 256 attempts or more",
    )


def test_names_are_cut_at_a_length() -> None:
    notes = Notes(CHAT)
    for number in range(50):
        notes.take(Frame(id="i" * 9999, provider=f"{number}" * 9999, model="m" * 9999))
    seen = notes.observation()
    assert (seen.generation_id, seen.model) == ("i" * 256, "m" * 256)
    assert [len(name) for name in seen.provider_names] == [256] * 16
