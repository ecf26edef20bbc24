"""The Spark of the tests: that of examples/lake, which can be emptied, and whose processes can be killed."""

import contextlib
import secrets
import shutil
from typing import Any

import httpx2
import psutil

from examples.lake import spark_server
from tests.doors import free_port

_SETTINGS = {
    **spark_server.SMALL_DATA,
    # compiling queries takes longer than their rows
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    # a catalog that cannot replace a table in one step
    "spark.sql.catalog.plain": "org.apache.spark.sql.execution.datasources.v2.jdbc.JDBCTableCatalog",
    "spark.sql.catalog.plain.url": "jdbc:derby:memory:plain;create=true",
    "spark.sql.catalog.plain.driver": "org.apache.derby.jdbc.EmbeddedDriver",
    "spark.ui.enabled": "true",  # lists the jobs
    "spark.ui.showConsoleProgress": "false",
}


class SparkServer(spark_server.SparkServer):
    """A server on 127.0.0.1 that asks for a token."""

    def __init__(self) -> None:
        self.token, self._ui_port = secrets.token_hex(8), free_port()
        own = {"spark.connect.authenticate.token": self.token, "spark.ui.port": str(self._ui_port)}
        super().__init__(settings=_SETTINGS | own)

    def start(self) -> None:
        """Start the server and wait until it listens. Can be called again after `kill`, and then has no tables."""
        shutil.rmtree(self.folder / "warehouse", ignore_errors=True)
        super().start()

    @property
    def parameters(self) -> dict[str, str]:
        return {"host": "localhost", "port": str(self.port), "token": self.token}

    def running_jobs(self) -> list[dict[str, Any]]:
        """What the cluster works on, in its own words."""
        return self._asked(f"/{self._asked('')[0]['id']}/jobs?status=running")

    def _asked(self, path: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = httpx2.get(f"http://127.0.0.1:{self._ui_port}/api/v1/applications{path}").json()
        return found

    def kill_executor(self) -> None:
        """End one of the executors; the cluster starts another."""
        assert self.process is not None
        for process in psutil.Process(self.process.pid).children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):  # it has just ended
                if "org.apache.spark.executor.CoarseGrainedExecutorBackend" in process.cmdline():
                    process.kill()
                    return
        raise AssertionError("there is no executor")

    def empty(self) -> None:
        """Drop all schemas, and what is in the default one."""
        from dagscope.dag.connections.spark.client import SparkClient

        client = SparkClient(f"sc://localhost:{self.port}/;token={self.token}", "tests")
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
