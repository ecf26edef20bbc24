"""What a Spark connection is made from, without a server."""

import sys

import pytest
from pydantic import ValidationError

from dagscope.dag.connections import ENGINES
from dagscope.dag.ground.errors import ConnectionFailed
from tests.dag.connections.conftest import Connect
from tests.doors import free_port

CONFIG = ENGINES["spark"].Config


def reason(**values: object) -> str:
    """Why these values are refused."""
    with pytest.raises(ValidationError) as raised:
        CONFIG.model_validate(values)
    (error,) = raised.value.errors()
    return error["msg"].removeprefix("Value error, ")


@pytest.mark.parametrize(
    ("values", "host", "port"),
    [
        ({}, "localhost", 15002),
        ({"host": "spark.example", "port": 443, "tls": True}, "spark.example", 443),
        ({"url": "sc://spark.example"}, "spark.example", 15002),
        ({"url": "sc://spark.example:443/;use_ssl=true;user_id=ann"}, "spark.example", 443),
    ],
)
def test_place(connect: Connect, values: dict[str, object], host: str, port: int) -> None:
    """The server is named by a URL, or by a host and a port, both of which have defaults."""
    details = connect("spark", **values).details
    assert (details.host, details.port) == (host, port)


def test_token_is_a_secret(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    """The token is hidden, wherever it comes from."""
    monkeypatch.setenv("SPARK_TOKEN", "hunter2 3")
    assert connect("spark", token_env="SPARK_TOKEN").secrets == {"hunter2 3"}
    assert connect("spark", url="sc://spark.example/;token=hunter2%203").secrets == {"hunter2 3"}


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"url": "sc://:1"}, '"url" has no host; write it as sc://host:port/;token=...;use_ssl=true'),
        (
            {"url": "sc://spark.example:x"},
            '"url" has no valid host and port; write it as sc://host:port/;token=...;use_ssl=true',
        ),
        (
            {"url": "sc://spark.example/lake"},
            '"url" has a path, or a parameter without a value; write it as sc://host:port/;token=...;use_ssl=true',
        ),
        ({"url": "sc://a", "port": 1}, '"url" and "port" exclude each other; a URL contains everything'),
        ({"tls_env": "UNSET_TLS"}, 'environment variable "UNSET_TLS" is not set ("tls_env")'),
    ],
)
def test_refused(values: dict[str, object], said: str) -> None:
    """A value that cannot be right is refused when the project is loaded."""
    assert reason(**values) == said


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("tls_env", "perhaps", 'environment variable "SPARK_VALUE" is neither true nor false ("tls_env")'),
        ("port_env", "70000", 'environment variable "SPARK_VALUE" is not a port ("port_env")'),
    ],
)
def test_refused_variable(monkeypatch: pytest.MonkeyPatch, key: str, value: str, said: str) -> None:
    """A value from the environment is checked as one that is written out."""
    monkeypatch.setenv("SPARK_VALUE", value)
    assert reason(**{key: "SPARK_VALUE"}) == said


def test_without_the_client(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the optional client is missing, a project loads, and connecting says how to install it."""
    monkeypatch.delitem(sys.modules, "dagscope.dag.connections.spark.client", raising=False)
    monkeypatch.setitem(sys.modules, "grpc", None)
    with pytest.raises(ConnectionFailed) as raised:
        connect("spark").connect()
    assert str(raised.value) == (
        'connection "spark": the client of Spark is not installed; install it with: pip install "dagscope[spark]" '
        "(import of grpc halted; None in sys.modules)"
    )


def test_no_server(connect: Connect) -> None:
    """If no server listens, the error says where, and what to do."""
    port = free_port()
    with pytest.raises(ConnectionFailed) as raised:
        connect("spark", host="127.0.0.1", port=port).connect()
    assert str(raised.value) == (
        f'connection "spark": no Spark Connect server is listening at 127.0.0.1:{port}; '
        "start it, or correct host and port"
    )
