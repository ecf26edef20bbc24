"""log search"""

import sqlalchemy as sa
from alembic import op

revision = '0004'
down_revision = '0003'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('log_count',
    sa.Column('task_id', sa.String(), nullable=False),
    sa.Column('attempt', sa.Integer(), nullable=False),
    sa.Column('level', sa.String(), nullable=False),
    sa.Column('entries', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('task_id', 'attempt', 'level')
    )
    op.execute(
        "INSERT INTO log_count (task_id, attempt, level, entries) "
        "SELECT task_id, attempt, level, count(*) FROM log_entry GROUP BY task_id, attempt, level"
    )
    op.drop_index('log_entry_by_task', 'log_entry')
    op.create_index('log_entry_by_task', 'log_entry', ['task_id', 'position', 'level', 'attempt', 'asset'])


def downgrade() -> None:
    op.drop_index('log_entry_by_task', 'log_entry')
    op.create_index('log_entry_by_task', 'log_entry', ['task_id', 'position'])
    op.drop_table('log_count')
