"""A built site with broken links or foreign files is reported (`docs/site/check.py`)."""

from pathlib import Path

import pytest

from docs.site.check import faults, main


def site(tmp_path: Path, body: str) -> Path:
    (tmp_path / "docs").mkdir()
    (tmp_path / "a.css").touch()
    (tmp_path / "index.html").write_text(f'<h1 id="top">Top</h1>{body}', encoding="utf-8")
    (tmp_path / "docs" / "b.html").write_text(
        '<a href="../index.html#top">up</a>', encoding="utf-8"
    )
    return tmp_path


def test_a_site_whose_links_lead_somewhere_has_no_fault(tmp_path: Path) -> None:
    fine = '<link href="a.css"><a href="#top"><a href="docs/b.html"><a href="https://example.com/">'
    assert main(site(tmp_path, fine)) == 0


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ('<a href="docs/c.html">', "index.html: docs/c.html is not in the site"),
        ('<a href="docs/b.html#no">', "index.html: docs/b.html#no names no part of that page"),
        ('<a href="#no">', "index.html: #no names no part of that page"),
        ('<a href="docs">', "index.html: docs is not in the site"),
        (
            '<script src="//cdn.example/x.js"></script>',
            "index.html: <script> loads //cdn.example/x.js from another host",
        ),
        (
            '<link href="https://fonts.example/f.css">',
            "index.html: <link> loads https://fonts.example/f.css from another host",
        ),
    ],
)
def test_a_fault_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], body: str, fault: str
) -> None:
    assert list(faults(site(tmp_path, body))) == [fault]
    assert main(tmp_path) == 1
    assert capsys.readouterr().out == f"{fault}\n"


def test_an_empty_folder_is_not_a_site(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(tmp_path) == 1
    assert "has no index.html" in capsys.readouterr().out
