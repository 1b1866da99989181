"""Notifications: which were sent, and which could not be delivered."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add an empty table; nothing that is there is touched."""
    op.create_table(
        "notices",
        sa.Column(
            "seq",
            sa.BigInteger().with_variant(sa.Integer, "sqlite"),
            primary_key=True,
            autoincrement=True,
        ),
        sa.Column("event", sa.String(32), nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("window", sa.Text, nullable=False),
        sa.Column("state", sa.Text),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("told_at", sa.BigInteger, nullable=False),
        sa.Column("due_at", sa.BigInteger, nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("outcome", sa.String(16), nullable=False),
        sa.Column("delivered_at", sa.BigInteger),
        sa.Column("error", sa.Text),
        sqlite_autoincrement=True,
    )
    op.create_index("notices_told_once", "notices", ["event", "subject", "window"], unique=True)
    op.create_index("notices_due", "notices", ["outcome", "due_at"])
    op.create_index("notices_told_at", "notices", ["told_at"])
