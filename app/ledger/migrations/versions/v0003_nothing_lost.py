"""What an answer and its request say besides: columns that older receipts have no value for."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_ADDED = (
    sa.Column("native_finish_reason", sa.Text),
    sa.Column("service_tier", sa.Text),
    sa.Column("region", sa.Text),
    sa.Column("cache_write_tokens", sa.BigInteger),
    sa.Column("is_byok", sa.Boolean),
    sa.Column("upstream_cost_usd", sa.BigInteger),
    sa.Column("unread", sa.Text),
    sa.Column("tool_calls", sa.BigInteger),
    sa.Column("defects", sa.JSON, nullable=False, server_default="[]"),
    sa.Column("max_tokens_asked", sa.BigInteger),
    sa.Column("context_tokens", sa.BigInteger),
    sa.Column("tools_offered", sa.BigInteger),
    sa.Column("response_format", sa.Text),
    sa.Column("modalities", sa.JSON, nullable=False, server_default="[]"),
    sa.Column("session_source", sa.Text),
    sa.Column("subagent", sa.Text),
    sa.Column("pinned_to", sa.Text),
    sa.Column("pin_reason", sa.Text),
    sa.Column("affinity", sa.Text),
    sa.Column("explanation", sa.JSON(none_as_null=True)),
    sa.Column("token_prices", sa.JSON(none_as_null=True)),
    sa.Column("listing", sa.Text),
)


def upgrade() -> None:
    """Add the columns. No row is rewritten, on either engine, so a large ledger is no slower."""
    for column in _ADDED:
        op.add_column("receipts", column)
