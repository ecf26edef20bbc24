"""The Spark of the tests: that of examples/lake, as one process with two threads, and emptied after each test."""

from examples.lake import spark_server

_SETTINGS = {
    **spark_server.SMALL_DATA,
    # compiling queries takes longer than their rows
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
}


class SparkServer(spark_server.SparkServer):
    """A server on 127.0.0.1 that can be emptied."""

    def __init__(self) -> None:
        super().__init__("local[2]", _SETTINGS)

    def empty(self) -> None:
        """Drop all schemas, and what is in the default one."""
        from dagscope.dag.connections.spark.client import SparkClient

        client = SparkClient(f"sc://127.0.0.1:{self.port}", "tests")
        try:
            for schema in _names(client, "SHOW SCHEMAS", "namespace"):
                if schema != "default":
                    client.run(f"DROP SCHEMA `{schema}` CASCADE")
            views = _names(client, "SHOW VIEWS IN default", "viewName")
            for name in _names(client, "SHOW TABLES IN default", "tableName"):
                client.run(f"DROP {'VIEW' if name in views else 'TABLE'} default.`{name}`")
        finally:
            client.close()


def _names(client: object, sql: str, column: str) -> list[str]:
    streamed = client.stream(sql)  # type: ignore[attr-defined]  # the client's module is imported on use
    return [name for batch in streamed.batches for name in batch.column(column).to_pylist()]
