"""The commands in groups, as `--help` lists them."""

from collections.abc import Mapping
from typing import Any

from typer.core import TyperGroup

GROUPS: Mapping[str, tuple[str, ...]] = {
    "Serve": (
        *("run", "serve", "demo", "simulate", "doctor", "health", "bundle", "service"),
        "notify",
    ),
    "Tools": ("launch", "connect", "mcp"),
    "Policies": ("init", "import", "check", "explain", "catalog", "scores", "prove", "schema"),
    "Endpoints": ("audit",),
    "Receipts": ("log", "stats", "budget", "score", "suggest", "export", "verify"),
}


class Grouped(TyperGroup):
    """Lists commands under headings; commands without a heading come last."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the headings and their commands."""
        del ctx
        left = dict(self.commands)
        for title, names in GROUPS.items():
            self._section(formatter, title, {name: left.pop(name) for name in names})
        self._section(formatter, "Other", left)

    @staticmethod
    def _section(formatter: Any, title: str, found: Mapping[str, Any]) -> None:
        with formatter.section(title):
            formatter.write_dl([(name, each.get_short_help_str()) for name, each in found.items()])
