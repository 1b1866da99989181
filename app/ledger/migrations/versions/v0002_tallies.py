"""Tallies beside the receipts, and what a change of provider within a session has cost.

`opening.py` counts the receipts that are there already, in the same transaction.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_SUMS = (
    *("requests", "errors", "refused", "prompt_tokens", "told_tokens", "cached_tokens"),
    *("completion_tokens", "priced_tokens", "cost_pico", "flips", "flip_tokens", "flip_pico"),
)

_PARTIAL = (
    (
        "receipts_session",
        ["session", "model_sent", "seq"],
        "session IS NOT NULL AND provider IS NOT NULL",
    ),
    (
        "receipts_model_asked",
        ["model_asked", "started_at"],
        "(model_sent IS NULL OR model_asked <> model_sent)",
    ),
    (
        "receipts_model_served",
        ["model_served", "started_at"],
        "(model_sent IS NULL OR model_served <> model_sent)",
    ),
)


def upgrade() -> None:
    """Add the columns, the two tables, and indexes for a session's last turn and for models."""
    op.add_column("receipts", sa.Column("flip_from", sa.Text))
    op.add_column("receipts", sa.Column("flip_tokens", sa.BigInteger))
    op.add_column("receipts", sa.Column("flip_pico", sa.BigInteger))
    for name, columns, condition in _PARTIAL:
        op.create_index(
            name,
            "receipts",
            columns,
            sqlite_where=sa.text(condition),
            postgresql_where=sa.text(condition),
        )
    op.create_table(
        "tally_keys",
        sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("provider", sa.Text),
        sa.Column("quantization", sa.Text),
        sa.Column("model", sa.Text),
        sa.Column("caller", sa.Text),
        sa.Column("rules", sa.Text, nullable=False),
        sa.Column("verdict", sa.String(16)),
    )
    op.create_table(
        "tallies",
        sa.Column("span", sa.SmallInteger, primary_key=True, autoincrement=False),
        sa.Column("start", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("key", sa.BigInteger, primary_key=True, autoincrement=False),
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in _SUMS),
        sa.Column("ttft", sa.LargeBinary, nullable=False),
        sa.Column("speed", sa.LargeBinary, nullable=False),
        sqlite_with_rowid=False,
    )
