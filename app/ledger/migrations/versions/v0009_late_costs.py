"""Where a receipt's cost comes from, if not from the answer."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add a column that may be empty; no row is rewritten."""
    op.add_column("receipts", sa.Column("cost_source", sa.Text))
