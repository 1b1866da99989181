"""The receipts table.

Types are written out here and not taken from `tables.py`, which has those of the newest revision.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table and the indexes that the filters use."""
    op.create_table(
        "receipts",
        sa.Column(
            "seq",
            sa.BigInteger().with_variant(sa.Integer, "sqlite"),
            primary_key=True,
            autoincrement=True,
        ),
        sa.Column("id", sa.String(32), nullable=False, unique=True),
        sa.Column("started_at", sa.BigInteger, nullable=False),
        sa.Column("caller", sa.Text),
        sa.Column("user_agent", sa.Text),
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("dialect", sa.String(32)),
        sa.Column("model_asked", sa.Text),
        sa.Column("alias", sa.Text),
        sa.Column("model_sent", sa.Text),
        sa.Column("rules", sa.JSON, nullable=False),
        sa.Column("book", sa.String(64)),
        sa.Column("preferences_sent", sa.JSON(none_as_null=True)),
        sa.Column("overruled", sa.JSON, nullable=False),
        sa.Column("streamed", sa.Boolean, nullable=False),
        sa.Column("status", sa.Integer),
        sa.Column("generation_id", sa.Text),
        sa.Column("provider", sa.Text),
        sa.Column("model_served", sa.Text),
        sa.Column("quantizations_listed", sa.JSON, nullable=False),
        sa.Column("verdict", sa.String(16)),
        sa.Column("reason", sa.Text),
        sa.Column("evidence", sa.JSON, nullable=False),
        sa.Column("attempts", sa.JSON, nullable=False),
        sa.Column("router_strategy", sa.Text),
        sa.Column("cache_status", sa.Text),
        sa.Column("ttfb_ms", sa.Float),
        sa.Column("ttft_ms", sa.Float),
        sa.Column("duration_ms", sa.Float),
        sa.Column("prompt_tokens", sa.BigInteger),
        sa.Column("cached_tokens", sa.BigInteger),
        sa.Column("completion_tokens", sa.BigInteger),
        sa.Column("reasoning_tokens", sa.BigInteger),
        sa.Column("tokens_per_second", sa.Float),
        sa.Column("cost_usd", sa.BigInteger),
        sa.Column("finish_reason", sa.Text),
        sa.Column("error_code", sa.Text),
        sa.Column("error_message", sa.Text),
        sa.Column("ending", sa.String(16), nullable=False),
        sa.Column("bytes_in", sa.BigInteger, nullable=False),
        sa.Column("bytes_out", sa.BigInteger, nullable=False),
        sa.Column("session", sa.String(64)),
        sqlite_autoincrement=True,
    )
    op.create_index("receipts_started_at", "receipts", ["started_at"])
    op.create_index("receipts_model_sent", "receipts", ["model_sent", "started_at"])
    op.create_index("receipts_provider", "receipts", ["provider", "started_at"])
    op.create_index("receipts_verdict", "receipts", ["verdict", "started_at"])
    op.create_index("receipts_caller", "receipts", ["caller", "started_at"])
