"""statements"""

import sqlalchemy as sa
from alembic import op

revision = '0002'
down_revision = '0001'
branch_labels = None
depends_on = None

PARTS = ('waiting_ms', 'queued_ms', 'executing_ms', 'testing_ms')


def upgrade() -> None:
    op.create_table('node_statements',
    sa.Column('task_id', sa.String(), nullable=False),
    sa.Column('attempt', sa.Integer(), nullable=False),
    sa.Column('asset_name', sa.String(), nullable=False),
    sa.Column('total', sa.Integer(), nullable=False),
    sa.Column('data', sa.String(), nullable=False),
    sa.ForeignKeyConstraint(['task_id'], ['task.task_id'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('task_id', 'attempt', 'asset_name')
    )
    op.create_index('task_by_status', 'task', ['status'])
    # Added in place: these columns do not need the copy of the table that batch_alter_table makes.
    op.add_column('attempt', sa.Column('profile', sa.Boolean(), nullable=False, server_default=sa.false()))
    for part in PARTS:
        op.add_column('node', sa.Column(part, sa.Integer(), nullable=True))


def downgrade() -> None:
    for part in reversed(PARTS):
        op.drop_column('node', part)
    op.drop_column('attempt', 'profile')
    op.drop_index('task_by_status', 'task')
    op.drop_table('node_statements')
