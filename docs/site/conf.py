"""How Sphinx builds the site from the pages that `stage.py` writes."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from docs.site.docstrings import as_rst

if TYPE_CHECKING:
    from sphinx.application import Sphinx

project = "Pointsman"
html_title = "Pointsman"
root_doc = "index"
smartquotes = False  # pages are shown as they are written
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.githubpages"]

myst_heading_anchors = 6  # named as a code host names them; links to others are reported
myst_enable_extensions = ["strikethrough"]

autodoc_default_options = {"members": True, "undoc-members": True, "show-inheritance": True}
autodoc_member_order = "bysource"
add_module_names = False
toc_object_entries = False  # the navigation is in every page, so it has modules, not functions

html_theme = "furo"
html_favicon = html_logo = str(ROOT / "app/dashboard/static/pointsman.svg")
html_static_path = ["static"]
html_css_files = ["site.css"]
html_copy_source = html_show_sourcelink = False
html_show_copyright = False
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#12685a", "color-brand-content": "#12685a"},
    "dark_css_variables": {"color-brand-primary": "#5cc5ae", "color-brand-content": "#5cc5ae"},
}


def setup(app: "Sphinx") -> None:
    """Have docstrings read as the plain text that they are."""
    app.connect("autodoc-process-docstring", _read)


def _read(*event: Any) -> None:
    lines: list[str] = event[-1]
    lines[:] = as_rst("\n".join(lines)).split("\n")
