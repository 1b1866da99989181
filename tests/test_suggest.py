"""The known word that an unknown one was most likely meant to be."""

import pytest

from app.suggest import did_you_mean


@pytest.mark.parametrize(
    ("word", "known", "hint"),
    [
        ("fp9", ("fp8", "int4"), "; did you mean fp8?"),
        ("FP9", ("fp8", "int4"), "; did you mean fp8?"),
        ("POINTSMAN_POTR", ("POINTSMAN_PORT", "POINTSMAN_HOST"), "; did you mean POINTSMAN_PORT?"),
        ("elephant", ("fp8", "int4"), ""),
        ("fp9", (), ""),
    ],
)
def test_a_near_word_is_offered_as_it_is_spelled(
    word: str, known: tuple[str, ...], hint: str
) -> None:
    assert did_you_mean(word, known) == hint
