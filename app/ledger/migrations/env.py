"""Alembic's environment: it is always run from `opening.py`, with a connection already open."""

from alembic import context

context.configure(connection=context.config.attributes["connection"])
with context.begin_transaction():
    context.run_migrations()
