"""Halves of characters, which JSON may have and no strict reader takes."""

from app.surrogates import readable, without_surrogates


def test_each_half_becomes_the_replacement_character() -> None:
    assert without_surrogates(rb'"a\ud83d b\uDE00 c\u00e9"') == rb'"a\ufffd b\ufffd c\u00e9"'


def test_what_is_not_utf_8_is_replaced_too() -> None:
    assert readable(b'"\xff\\ud83d"') == '"\ufffd\\ufffd"'.encode()
