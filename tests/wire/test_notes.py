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
