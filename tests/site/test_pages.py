"""What the site is made of: where a link of the repository leads on it (`docs/site/pages.py`)."""

import pytest

from docs.site.pages import Section, Tree, module_name, sections, targets

TREE = Tree(
    frozenset(
        {
            *("README.md", "CHANGELOG.md", "compose.yaml", "app/main.py"),
            *("docs/index.md", "docs/tools.md", "docs/images/a.png", "docs/adr/README.md"),
            *("docs/adr/0001-first.md", "policies/a.yaml", "policies/more/b.yaml"),
            *("app/pure/__init__.py", "app/pure/one.py", "app/pure/inner/__init__.py"),
            "app/pure/inner/two.py",
        }
    ),
    rooms=("app/pure",),
)


@pytest.mark.parametrize(
    ("path", "page"),
    [
        ("README.md", "index.md"),
        ("docs/tools.md", "docs/tools.md"),
        ("docs/images/a.png", "docs/images/a.png"),
        ("docs/adr", "docs/adr/README.md"),
        ("policies", "policies/index.md"),
        ("compose.yaml", "compose.yaml.md"),
        ("app/main.py", "app/main.py.md"),
        ("app/pure", "docs/api/pointsman.pure.md"),
        ("app/pure/one.py", "docs/api/pointsman.pure.md"),
        ("app/pure/inner/two.py", "docs/api/pointsman.pure.inner.md"),
        ("docs/missing.md", "docs/missing.md"),
    ],
)
def test_a_path_of_the_repository_has_its_page(path: str, page: str) -> None:
    assert TREE.page_of(path) == page


def test_links_lead_to_pages_with_their_anchors() -> None:
    text = (
        "[a](../README.md#start-it) [b](tools.md) [c](../compose.yaml) ![d](images/a.png)\n"
        "[e](adr) [f](https://example.com/x.yaml) [g](#here) [h](../app/pure/one.py) [i](gone.md)\n"
    )
    assert TREE.linked("docs/index.md", text) == (
        "[a](../index.md#start-it) [b](tools.md) [c](../compose.yaml.md) ![d](images/a.png)\n"
        "[e](adr/README.md) [f](https://example.com/x.yaml) [g](#here) "
        "[h](api/pointsman.pure.md) [i](gone.md)\n"
    )


def test_the_front_page_is_at_the_root_and_code_is_left_alone() -> None:
    text = "[a](docs/tools.md)\n```md\n[b](compose.yaml)\n```\n[c](compose.yaml)\n"
    assert TREE.linked("README.md", text) == text.replace(
        "[c](compose.yaml)", "[c](compose.yaml.md)"
    )
    assert targets("README.md", text) == {"docs/tools.md", "compose.yaml"}


def test_the_navigation_is_the_lists_below_the_headings_of_the_index() -> None:
    index = (
        "# All\n\n[x](x.md)\n\n## Begin\n\n- [Tools](tools.md): how.\n- [News](../C.md): new.\n\n"
        "Not [this](this.md).\n\n## End\n\n- [Decisions](adr): why.\n"
    )
    assert sections(index) == [
        Section("Begin", (("Tools", "docs/tools.md"), ("News", "C.md"))),
        Section("End", (("Decisions", "docs/adr"),)),
    ]


def test_the_reference_has_a_page_for_each_folder_of_a_room() -> None:
    assert TREE.packages() == ["app/pure", "app/pure/inner"]
    assert module_name("app/pure/inner/two.py") == "pointsman.pure.inner.two"
    assert module_name("app/pure/__init__.py") == module_name("app/pure") == "pointsman.pure"
