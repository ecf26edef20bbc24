"""node records"""

import sqlalchemy as sa
from alembic import op

revision = '0005'
down_revision = '0004'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('code',
    sa.Column('digest', sa.String(), nullable=False),
    sa.Column('source', sa.String(), nullable=False),
    sa.Column('sql', sa.String(), nullable=False),
    sa.PrimaryKeyConstraint('digest')
    )
    op.create_table('node_record',
    sa.Column('task_id', sa.String(), nullable=False),
    sa.Column('attempt', sa.Integer(), nullable=False),
    sa.Column('asset_name', sa.String(), nullable=False),
    sa.Column('code_digest', sa.String(), nullable=False),
    sa.Column('engine', sa.String(), nullable=False),
    sa.Column('settings', sa.String(), nullable=False),
    sa.Column('columns', sa.String(), nullable=True),
    sa.Column('rows', sa.Integer(), nullable=True),
    sa.Column('fingerprint', sa.String(), nullable=True),
    sa.Column('upstreams', sa.String(), nullable=False),
    sa.Column('captured_digest', sa.String(), nullable=True),
    sa.Column('is_whole', sa.Boolean(), nullable=False),
    sa.Column('note', sa.String(), nullable=False),
    sa.ForeignKeyConstraint(['captured_digest'], ['frame.digest']),
    sa.ForeignKeyConstraint(['code_digest'], ['code.digest']),
    sa.ForeignKeyConstraint(['task_id'], ['task.task_id'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('task_id', 'attempt', 'asset_name')
    )
    op.create_index('ix_node_record_captured_digest', 'node_record', ['captured_digest'])
    op.create_index('ix_node_record_code_digest', 'node_record', ['code_digest'])
    # Added in place: the column does not need the copy of the table that batch_alter_table makes.
    op.execute('ALTER TABLE data_test_result ADD COLUMN code_digest VARCHAR REFERENCES code (digest)')
    op.create_index('ix_data_test_result_code_digest', 'data_test_result', ['code_digest'])


def downgrade() -> None:
    op.drop_table('node_record')
    op.drop_index('ix_data_test_result_code_digest', 'data_test_result')
    op.drop_column('data_test_result', 'code_digest')
    op.drop_table('code')
