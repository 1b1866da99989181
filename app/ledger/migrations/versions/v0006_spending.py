"""What requests cost, by quarter of an hour, for budgets.

`opening.py` counts the receipts of the last two months, in the same transaction.
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add two empty tables; nothing that is there is touched."""
    op.create_table(
        "spending",
        sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("bucket", sa.Integer, nullable=False),
        sa.Column("rule", sa.Text, nullable=False),
        sa.Column("caller", sa.Text),
        sa.Column("tool", sa.Text),
        sa.Column("session", sa.Text),
        sa.Column("writer", sa.BigInteger, nullable=False),
        sa.Column("requests", sa.BigInteger, nullable=False),
        sa.Column("pico", sa.BigInteger, nullable=False),
        sa.Column("changed", sa.BigInteger, nullable=False),
    )
    op.create_index("spending_bucket", "spending", ["bucket", "rule"])
    op.create_index("spending_changed", "spending", ["changed"])
    op.create_table(
        "spending_told",
        sa.Column("digest", sa.String(64), primary_key=True),
        sa.Column("at", sa.BigInteger, nullable=False),
    )
    op.create_index("spending_told_at", "spending_told", ["at"])
