"""Alembic's scripts, only ever added to; `HEAD` names the newest."""

HEAD = "0003"
