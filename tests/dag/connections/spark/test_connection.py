"""Connecting to a real Spark Connect server: what is checked, and what is sent."""

import os
import subprocess
from pathlib import Path

import pytest

from dagscope.dag.connections.spark import client
from dagscope.dag.ground.errors import ConnectionFailed
from examples.lake.spark_files import SPARK
from tests.dag.connections.conftest import Connect
from tests.doors import DAGSCOPE
from tests.projects import block, model, write_project
from tests.spark_server import SparkServer
from tests.tls_front import CERTIFICATE, TlsFront


def refusal(connect: Connect, **values: str) -> str:
    """Why the server cannot be used."""
    with pytest.raises(ConnectionFailed) as raised:
        connect("spark", **values).connect()
    return str(raised.value)


def test_client_newer_than_the_server(connect: Connect, spark: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that is newer than the server is refused, with the one to install."""
    monkeypatch.setattr(client, "VERSION", "9.1.0")
    assert refusal(connect, **spark) == (
        f'connection "spark": the server at localhost:{spark["port"]} is Spark {SPARK}, and the client is 9.1.0, which '
        f'must not be newer; install an older one: pip install "pyspark-client=={SPARK}"'
    )


def test_catalog_that_cannot_replace(connect: Connect, spark: dict[str, str]) -> None:
    """A catalog that would drop a table and create it again is refused, and so is one that does not exist."""
    server = f'connection "spark": the server at localhost:{spark["port"]}'
    assert refusal(connect, **spark, catalog="plain").startswith(
        f"{server} cannot replace a table of the format delta in one step in the catalog plain: readers would find "
        "tables missing or empty; start the server with the format's extension and its catalog "
        "(== Physical Plan == ReplaceTableAsSelect "
    )
    assert refusal(connect, **spark, catalog="nope") == f"{server} has no catalog nope; correct catalog"


def test_wrong_token(connect: Connect, spark: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong token is refused, and so is a missing one; the variable of Spark's own clients replaces the key."""
    token = spark.pop("token")
    refused = f'connection "spark": the server at localhost:{spark["port"]} refuses the token; correct token'
    assert refusal(connect, **spark) == refusal(connect, **spark, token="wrong") == refused
    monkeypatch.setenv("SPARK_CONNECT_AUTHENTICATE_TOKEN", token)
    connection = connect("spark", **spark)
    connection.connect()
    assert connection.secrets == {token}


def test_server_without_tls(connect: Connect, spark: dict[str, str]) -> None:
    """If the server does not speak TLS, the error says what to correct."""
    assert refusal(connect, **spark, tls=True) == (
        f'connection "spark": the server at localhost:{spark["port"]} does not speak TLS, or its certificate is not '
        "trusted; correct tls"
    )


def test_token_over_tls(tmp_path: Path, spark_server: SparkServer) -> None:
    """A token from the environment is sent over TLS, and is found nowhere: not on the console, not in the state."""
    token = spark_server.token
    with TlsFront(spark_server.port) as front:
        files = {
            "config.yaml": "connections: [{name: lake, type: spark, config: {host: localhost, tls: true, "
            f"port: {front.port}, token_env: LAKE_TOKEN}}}}]\n",
            "profile.yaml": "name: lake\nconnection: lake\n",
            model("a.good"): f"SELECT length('{token}') AS size",
            model("a.bad"): block("materialization: custom") + f"SELECT '{token}' AS it, nope",
        }
        folder = write_project(tmp_path / "project", files)
        environment = {"GRPC_DEFAULT_SSL_ROOTS_FILE_PATH": str(CERTIFICATE), "LAKE_TOKEN": token}
        command = [DAGSCOPE, "run", "--json"]
        done = subprocess.run(command, cwd=folder, env=os.environ | environment, capture_output=True, text=True)
    assert '"completedAssets":1' in done.stdout.replace(" ", ""), done.stdout + done.stderr
    assert "'***' AS it, nope" in done.stdout
    assert token not in done.stdout + done.stderr
    state = [file for file in (folder / ".dagscope").rglob("*") if file.is_file()]
    assert [file.name for file in state if token.encode() in file.read_bytes()] == []
