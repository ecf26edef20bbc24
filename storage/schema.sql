-- The schema of a new state: exactly what the migrations in alembic/versions lead to. A test compares the two.
-- Columns that a migration added are behind the others, with the defaults that it gave to the rows that existed.

CREATE TABLE alembic_version (
    version_num VARCHAR(32) NOT NULL,
    CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);

CREATE TABLE asset_state (
    asset_name VARCHAR NOT NULL,
    state VARCHAR NOT NULL,
    task_id VARCHAR,
    attempt INTEGER,
    relation_task_id VARCHAR,
    relation_attempt INTEGER,
    successful_tests INTEGER NOT NULL,
    last_execution_ms INTEGER,
    last_tests_ms INTEGER,
    PRIMARY KEY (asset_name)
);

CREATE TABLE code (
    digest VARCHAR NOT NULL,
    source VARCHAR NOT NULL,
    sql VARCHAR NOT NULL,
    PRIMARY KEY (digest)
);

CREATE TABLE data_test_state (
    test_name VARCHAR NOT NULL,
    status VARCHAR NOT NULL,
    PRIMARY KEY (test_name)
);

CREATE TABLE frame (
    digest VARCHAR NOT NULL,
    data_type VARCHAR NOT NULL,
    rows INTEGER,
    columns VARCHAR,
    PRIMARY KEY (digest)
);

CREATE TABLE log_entry (
    position INTEGER NOT NULL,
    task_id VARCHAR NOT NULL,
    attempt INTEGER NOT NULL,
    data VARCHAR NOT NULL,
    level VARCHAR NOT NULL,
    asset VARCHAR,
    message VARCHAR NOT NULL,
    PRIMARY KEY (position)
);
CREATE INDEX log_entry_by_task ON log_entry (task_id, position, level, attempt, asset);

CREATE TABLE run_event (
    position INTEGER NOT NULL,
    task_id VARCHAR NOT NULL,
    attempt INTEGER NOT NULL,
    data VARCHAR NOT NULL,
    event_type VARCHAR NOT NULL,
    level VARCHAR NOT NULL,
    step_key VARCHAR,
    message VARCHAR NOT NULL,
    timestamp VARCHAR NOT NULL,
    PRIMARY KEY (position)
);
CREATE INDEX run_event_by_task ON run_event (task_id, position);

CREATE TABLE state (
    id INTEGER NOT NULL,
    instance_uuid VARCHAR NOT NULL,
    last_position INTEGER NOT NULL,
    pruned_through INTEGER NOT NULL,
    PRIMARY KEY (id)
);

CREATE TABLE status_event (
    position INTEGER NOT NULL,
    task_id VARCHAR NOT NULL,
    attempt INTEGER NOT NULL,
    data VARCHAR NOT NULL,
    kind VARCHAR NOT NULL,
    PRIMARY KEY (position)
);
CREATE INDEX status_event_by_task ON status_event (task_id, position);

CREATE TABLE task (
    status VARCHAR NOT NULL,
    start_time INTEGER NOT NULL,
    end_time INTEGER,
    total_assets INTEGER NOT NULL,
    completed_assets INTEGER NOT NULL,
    failed_assets INTEGER NOT NULL,
    in_progress_assets INTEGER NOT NULL,
    task_id VARCHAR NOT NULL,
    task_uuid VARCHAR NOT NULL,
    attempt INTEGER NOT NULL,
    PRIMARY KEY (task_id),
    UNIQUE (task_uuid)
);
CREATE INDEX task_by_start ON task (start_time, task_id);
CREATE INDEX task_by_status ON task (status);

CREATE TABLE attempt (
    status VARCHAR NOT NULL,
    start_time INTEGER NOT NULL,
    end_time INTEGER,
    total_assets INTEGER NOT NULL,
    completed_assets INTEGER NOT NULL,
    failed_assets INTEGER NOT NULL,
    in_progress_assets INTEGER NOT NULL,
    task_id VARCHAR NOT NULL,
    attempt INTEGER NOT NULL,
    data VARCHAR NOT NULL,
    last_task_name VARCHAR NOT NULL,
    profile BOOLEAN DEFAULT 0 NOT NULL,
    PRIMARY KEY (task_id, attempt),
    FOREIGN KEY(task_id) REFERENCES task (task_id) ON DELETE CASCADE
);

CREATE TABLE data_test_result (
    task_id VARCHAR NOT NULL,
    attempt INTEGER NOT NULL,
    asset_name VARCHAR NOT NULL,
    test_name VARCHAR NOT NULL,
    ordinal INTEGER NOT NULL,
    status VARCHAR NOT NULL,
    error VARCHAR,
    duration_ms INTEGER NOT NULL,
    violation_count INTEGER NOT NULL,
    violations_digest VARCHAR,
    code_digest VARCHAR REFERENCES code (digest),
    PRIMARY KEY (task_id, attempt, asset_name, test_name),
    FOREIGN KEY(task_id) REFERENCES task (task_id) ON DELETE CASCADE,
    FOREIGN KEY(violations_digest) REFERENCES frame (digest)
);
CREATE INDEX ix_data_test_result_code_digest ON data_test_result (code_digest);
CREATE INDEX ix_data_test_result_violations_digest ON data_test_result (violations_digest);

CREATE TABLE node (
    task_id VARCHAR NOT NULL,
    attempt INTEGER NOT NULL,
    asset_name VARCHAR NOT NULL,
    name VARCHAR NOT NULL,
    state VARCHAR NOT NULL,
    "order" INTEGER NOT NULL,
    start_time INTEGER,
    end_time INTEGER,
    execution_time_ms INTEGER NOT NULL,
    message VARCHAR NOT NULL,
    total_tests INTEGER NOT NULL,
    passed_tests INTEGER NOT NULL,
    failed_tests INTEGER NOT NULL,
    tests_duration_ms INTEGER NOT NULL,
    rows INTEGER,
    has_relation BOOLEAN NOT NULL,
    carried BOOLEAN NOT NULL,
    result_digest VARCHAR,
    waiting_ms INTEGER,
    queued_ms INTEGER,
    executing_ms INTEGER,
    testing_ms INTEGER,
    is_selection BOOLEAN DEFAULT 0 NOT NULL,
    PRIMARY KEY (task_id, attempt, asset_name),
    FOREIGN KEY(result_digest) REFERENCES frame (digest),
    FOREIGN KEY(task_id) REFERENCES task (task_id) ON DELETE CASCADE
);
CREATE INDEX ix_node_result_digest ON node (result_digest);

CREATE TABLE node_statements (
    task_id VARCHAR NOT NULL,
    attempt INTEGER NOT NULL,
    asset_name VARCHAR NOT NULL,
    total INTEGER NOT NULL,
    data VARCHAR NOT NULL,
    PRIMARY KEY (task_id, attempt, asset_name),
    FOREIGN KEY(task_id) REFERENCES task (task_id) ON DELETE CASCADE
);

CREATE TABLE log_count (
    task_id VARCHAR NOT NULL,
    attempt INTEGER NOT NULL,
    level VARCHAR NOT NULL,
    entries INTEGER NOT NULL,
    PRIMARY KEY (task_id, attempt, level)
);

CREATE TABLE node_record (
    task_id VARCHAR NOT NULL,
    attempt INTEGER NOT NULL,
    asset_name VARCHAR NOT NULL,
    code_digest VARCHAR NOT NULL,
    engine VARCHAR NOT NULL,
    settings VARCHAR NOT NULL,
    columns VARCHAR,
    rows INTEGER,
    fingerprint VARCHAR,
    upstreams VARCHAR NOT NULL,
    captured_digest VARCHAR,
    is_whole BOOLEAN NOT NULL,
    note VARCHAR NOT NULL,
    PRIMARY KEY (task_id, attempt, asset_name),
    FOREIGN KEY(captured_digest) REFERENCES frame (digest),
    FOREIGN KEY(code_digest) REFERENCES code (digest),
    FOREIGN KEY(task_id) REFERENCES task (task_id) ON DELETE CASCADE
);
CREATE INDEX ix_node_record_captured_digest ON node_record (captured_digest);
CREATE INDEX ix_node_record_code_digest ON node_record (code_digest);
