"""Docstrings are shown as the plain text that they are (`docs/site/docstrings.py`)."""

import pytest

from docs.site.docstrings import as_rst


@pytest.mark.parametrize(
    ("docstring", "rst"),
    [
        ("Return `x`, or *any*.", r"Return ``x``, or \*any\*."),
        ("`tools.*` and _trailing_ | \\", r"``tools.*`` and \_trailing\_ \| \\"),
        ("Spans `two\nlines` here.", "Spans ``two\nlines`` here."),
        ("One `open backtick.", "One `open backtick."),
        ("Alias for field number 0", ""),
        (
            "Judges.\n\nRule 1  First,\n        and on.\nRule 2  `b`.",
            "Judges.\n\n\n**Rule 1:** First,\nand on.\n\n**Rule 2:** ``b``.",
        ),
    ],
)
def test_a_docstring_is_rst_that_shows_the_same(docstring: str, rst: str) -> None:
    assert as_rst(docstring) == rst
