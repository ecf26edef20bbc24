"""The Spark of the tests: that of examples/lake, which can be emptied, and whose processes can be killed."""

import contextlib
import secrets
import shutil
from dataclasses import replace
from typing import Any

import httpx2
import psutil

from examples.lake import spark_server
from examples.lake.spark_files import with_libraries
from tests.doors import free_port

_ICEBERG = {
    ("org.apache.iceberg", "iceberg-spark-runtime-4.1_2.13", "1.12.0"): (
        "3123c3798af642dd537230923548e013ef41cc28b6626e5225808cf5670a0f82"
    ),
    # keeps the catalog of Iceberg's tables
    ("com.h2database", "h2", "2.3.232"): "8dae62d22db8982c3dcb3826edb9c727c5d302063a67eef7d63d82de401f07d3",
}
_EXTENSIONS = (
    "io.delta.sql.DeltaSparkSessionExtension",
    "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions",
)
_SETTINGS = {
    **spark_server.SMALL_DATA,
    "spark.sql.extensions": ",".join(_EXTENSIONS),
    "spark.sql.catalog.ice": "org.apache.iceberg.spark.SparkCatalog",
    "spark.sql.catalog.ice.type": "jdbc",
    "spark.sql.catalog.ice.uri": "jdbc:h2:mem:ice;DB_CLOSE_DELAY=-1;DATABASE_TO_LOWER=TRUE",
    "spark.sql.catalog.ice.jdbc.schema-version": "V1",  # has views
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
        self._settings = {**self._settings, "spark.sql.catalog.ice.warehouse": str(self.folder / "warehouse")}
        iceberg = with_libraries(self._files, "iceberg-1.12.0-h2-2.3.232", _ICEBERG)
        self._files = replace(self._files, delta=(*self._files.delta, *iceberg))

    def start(self) -> None:
        """Start the server and wait until it listens. Can be called again after `kill`, and then has no tables."""
        shutil.rmtree(self.folder / "warehouse", ignore_errors=True)
        super().start()

    @property
    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    @property
    def parameters(self) -> dict[str, str]:
        return {"host": "localhost", "port": str(self.port), "token": self.token}

    def running_jobs(self) -> list[dict[str, Any]]:
        """What the cluster works on, in its own words."""
        return [job for each in self._asked("") for job in self._asked(f"/{each['id']}/jobs?status=running")]

    def _asked(self, path: str) -> list[dict[str, Any]]:
        url = f"http://127.0.0.1:{self._ui_port}/api/v1/applications{path}"
        found: list[dict[str, Any]] = httpx2.get(url, timeout=60).json()
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
        """Drop all schemas of Delta's catalog, and what is in the default one."""
        self._empty("spark_catalog")

    def empty_iceberg(self) -> None:
        """The same for Iceberg's, which drops no schema that has a table."""
        self._empty("ice")

    def _empty(self, catalog: str) -> None:
        from dagscope.dag.connections.spark.client import SparkClient

        client = SparkClient(f"sc://localhost:{self.port}/;token={self.token}", "tests")
        try:
            for schema in _names(client, f"SHOW SCHEMAS IN {catalog}", "namespace"):
                place = f"{catalog}.`{schema}`"
                views = _names(client, f"SHOW VIEWS IN {place}", "viewName")
                for view in views:
                    client.run(f"DROP VIEW {place}.`{view}`")
                for table in set(_names(client, f"SHOW TABLES IN {place}", "tableName")).difference(views):
                    client.run(f"DROP TABLE {place}.`{table}`")
                if schema != "default":
                    client.run(f"DROP SCHEMA {place}")
        finally:
            client.close()


def _names(client: object, sql: str, column: str) -> list[str]:
    streamed = client.stream(sql)  # type: ignore[attr-defined]  # the client's module is imported on use
    return [name for batch in streamed.batches for name in batch.column(column).to_pylist()]
