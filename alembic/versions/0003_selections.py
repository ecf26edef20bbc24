"""selections"""

import sqlalchemy as sa
from alembic import op

revision = '0003'
down_revision = '0002'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('node', sa.Column('is_selection', sa.Boolean(), nullable=False, server_default=sa.false()))
    # Until now, only the label showed that just the query of a node was read.
    op.execute("UPDATE node SET is_selection = 1 WHERE substr(name, 1, 10) = 'Selecting '")


def downgrade() -> None:
    op.drop_column('node', 'is_selection')
