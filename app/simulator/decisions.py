"""Decisions: questions about a state, each with an answer of its kind (openrouter.md §A8)."""

from collections.abc import Callable, Mapping
from typing import Any

from .refusals import Refusal
from .routed import Routed
from .saying import tokens
from .vectors import prompt_usage, served_by


def decisions(routed: Routed) -> dict[str, Any]:
    """An answer to each question; for a choice, the first option."""
    questions: Mapping[str, Any] = routed.ask.body["questions"]
    answers = {name: _ANSWERS[each["type"]](each) for name, each in questions.items()}
    usage = prompt_usage(routed) | {"completion_tokens": tokens(str(answers))}
    return {"answers": answers, **served_by(routed), "id": routed.completion.id, "usage": usage}


def check_questions(body: Mapping[str, Any]) -> None:
    """Raise the 400 for an invalid question."""
    for name, question in body["questions"].items():
        kind = question.get("type") if isinstance(question, dict) else None
        if not isinstance(kind, str) or kind not in _ANSWERS:
            known = "|".join(f'"{each}"' for each in _ANSWERS)
            raise Refusal(400, f"questions.{name}.type: Invalid option: expected one of {known}")


def _first_choice(question: Mapping[str, Any]) -> str | None:
    criteria = question.get("criteria")
    return next(iter(criteria), None) if isinstance(criteria, dict) else None


_ANSWERS: dict[str, Callable[[Mapping[str, Any]], Any]] = {
    "box": lambda _question: "A simulated answer.",
    "choice": _first_choice,
    "noul": lambda _question: True,
    "score": lambda _question: 0.5,
}
