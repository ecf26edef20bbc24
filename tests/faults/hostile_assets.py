"""Raw assets that do their worst: what each does, and how its node then ends."""

from dataclasses import dataclass
from textwrap import dedent

ENDED = r"interrupted: the process of runs ended \({}\)"
"""The message of a node whose process has ended."""


OUT_OF_MEMORY = r"(?s).*DAGSCOPE_MEMORY_BYTES"
"""Part of the message of a node that needs more memory than there may be."""


@dataclass(frozen=True)
class HostileAsset:
    """The body of `execute(context)`, and a pattern of its node's message; "" if it succeeds.

    One that is `cancelled` waits until it is. `make test` has those that are quick.
    """

    name: str
    body: str
    message: str = ""
    cancelled: bool = False
    is_quick: bool = False

    @property
    def source(self) -> str:
        body = "\n".join(f"    {line}" for line in dedent(self.body).strip().splitlines())
        return f"def execute(context):\n{body}\n"


MEMORY_BYTES = 3_000_000_000
"""What the process of runs may have."""


def _ended(how: str) -> str:
    return ENDED.format(how)


HOSTILE_ASSETS = (
    # ends of the process
    HostileAsset("exits_3", "import os; os._exit(3)", _ended("exit code 3"), is_quick=True),
    HostileAsset("exits_0", "import os; os._exit(0)", _ended("exit code 0")),
    HostileAsset("aborts", "import os; os.abort()", _ended("signal SIGABRT")),
    HostileAsset("crashes", "import ctypes; ctypes.string_at(0)", _ended("signal SIGSEGV"), is_quick=True),
    HostileAsset("writes_to_null", "import ctypes; ctypes.memset(0, 1, 1)", _ended("signal SIGSEGV")),
    HostileAsset("kills_itself", "import os; os.kill(os.getpid(), 9)", _ended("signal SIGKILL")),
    HostileAsset(
        "terminates_itself", "import os; os.kill(os.getpid(), 15); import time; time.sleep(9)", _ended("signal SIGTERM")
    ),
    HostileAsset("kills_its_group", "import os; os.killpg(0, 9)", _ended("signal SIGKILL")),
    HostileAsset(
        "kills_its_parent", "import os, time; os.kill(os.getppid(), 9); time.sleep(9)", _ended("signal SIGKILL")
    ),
    HostileAsset("replaces_itself", "import os; os.execv('/bin/true', ['true'])", _ended("exit code 0")),
    HostileAsset("raises_signal", "import signal; signal.raise_signal(signal.SIGSEGV)", _ended("signal SIGSEGV")),
    HostileAsset(
        "closes_everything",
        "import os, time; os.closerange(3, 10_000); time.sleep(9)",
        _ended("an asset closed its connection to the server"),
        is_quick=True,
    ),
    HostileAsset(
        "overflows_the_c_stack",
        """
        import sys
        sys.setrecursionlimit(10**9)
        class Deep:
            def __repr__(self): return repr(self)
        deep = []
        for _ in range(10**6): deep = [deep]
        repr(deep)
        """,
        r"interrupted: the process of runs ended|RecursionError",
    ),
    HostileAsset(
        "frees_twice",
        """
        import ctypes
        c = ctypes.CDLL(None)
        c.malloc.restype = ctypes.c_void_p
        place = ctypes.c_void_p(c.malloc(16))
        c.free(place); c.free(place)
        """,
        _ended("signal SIGABRT"),
    ),
    HostileAsset(
        "crashes_in_a_thread",
        """
        import ctypes, threading
        thread = threading.Thread(target=lambda: ctypes.string_at(0)); thread.start(); thread.join()
        """,
        _ended("signal SIGSEGV"),
    ),
    HostileAsset("fatal_error", "import ctypes; ctypes.pythonapi.Py_FatalError(b'done for')", _ended("signal SIGABRT")),
    # exceptions of every kind
    HostileAsset("system_exit", "raise SystemExit(4)", r"SystemExit: 4 \(system_exit.py:2\)", is_quick=True),
    HostileAsset("keyboard_interrupt", "raise KeyboardInterrupt", r"KeyboardInterrupt"),
    HostileAsset("generator_exit", "raise GeneratorExit", r"GeneratorExit"),
    HostileAsset(
        "bad_text",
        """
        class Odd(Exception):
            def __str__(self): raise Odd
        raise Odd
        """,
        r"Odd",
    ),
    HostileAsset("recursion", "f = lambda: f(); f()", r"RecursionError"),
    HostileAsset("interrupts_main", "import _thread; _thread.interrupt_main()"),
    HostileAsset("exits_thread", "import _thread; _thread.exit()", r"SystemExit"),
    # settings of the process
    HostileAsset(
        "signal_handler",
        "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)",
        r"ValueError: signal only works in main thread",
    ),
    HostileAsset(
        "real_timer", "import signal; signal.setitimer(signal.ITIMER_REAL, 0.01); import time; time.sleep(.2)"
    ),
    HostileAsset(
        "profiling_timer",
        """
        import signal
        signal.setitimer(signal.ITIMER_PROF, 0.01)
        sum(i for i in range(10**6))
        """,
    ),
    HostileAsset("recursion_limit", "import sys; sys.setrecursionlimit(60)"),
    HostileAsset("switch_interval", "import sys; sys.setswitchinterval(100)"),
    HostileAsset("changes_folder", "import os; os.chdir('/')", is_quick=True),
    HostileAsset("umask", "import os; os.umask(0o777)"),
    HostileAsset("environment", "import os; os.environ.clear()", is_quick=True),
    HostileAsset("no_more_imports", "import sys; sys.path.clear(); sys.meta_path.clear()"),
    HostileAsset(
        "no_descriptors",
        """
        import resource
        resource.setrlimit(resource.RLIMIT_NOFILE, (64, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
        """,
    ),
    HostileAsset("closes_output", "import os; os.close(1); os.close(2); print('lost')", is_quick=True),
    HostileAsset("closes_streams", "import sys; sys.stdout.close(); sys.stderr.close()"),
    HostileAsset("replaces_streams", "import sys; sys.stdout = None; sys.stderr = None"),
    HostileAsset("logging_disabled", "import logging; logging.disable(); logging.root.handlers.clear()"),
    HostileAsset(
        "structlog_raises",
        """
        import structlog
        structlog.configure(processors=[lambda *_: 1 / 0])
        """,
        is_quick=True,
    ),
    HostileAsset("traces", "import sys; sys.settrace(lambda *_: None)", is_quick=True),
    HostileAsset("traces_and_raises", "import sys; sys.settrace(lambda *_: 1 / 0)"),
    HostileAsset("profiles", "import sys; sys.setprofile(lambda *_: None)"),
    HostileAsset("garbage_collector", "import gc; gc.disable(); gc.set_threshold(1)"),
    # output
    HostileAsset("prints_much", "for i in range(1_000_000): print(i)"),
    HostileAsset("writes_much", "import os\nfor i in range(200_000): os.write(1, b'a line of output\\n')"),
    HostileAsset("endless_line", "import os; os.write(2, b'x' * 50_000_000)"),
    HostileAsset("bytes_that_are_no_text", "import os; os.write(1, bytes(range(256)) * 100)"),
    HostileAsset("prints_no_line_end", "print('no end', end='')"),
    HostileAsset("writes_huge_stderr", "import sys\nfor _ in range(50): sys.stderr.write('e' * 1_000_000)"),
    HostileAsset(
        "covers_output",
        """
        import os
        null = os.open(os.devnull, os.O_RDWR)
        for number in (0, 1, 2): os.dup2(null, number)
        """,
    ),
    HostileAsset(
        "covers_descriptors",
        """
        import os, time
        null = os.open(os.devnull, os.O_RDWR)
        for number in range(3, 64):
            if number != null: os.dup2(null, number)
        time.sleep(9)
        """,
        _ended("an asset closed its connection to the server"),
    ),
    # processes and threads
    HostileAsset(
        "forks_10",
        """
        import os, time
        for _ in range(10):
            if os.fork() == 0:
                time.sleep(600)
        """,
    ),
    HostileAsset("forks_and_returns", "import os; os.fork()"),
    HostileAsset("child_outlives", "import subprocess; subprocess.Popen(['sleep', '600'])"),
    HostileAsset(
        "child_in_new_session",
        "import subprocess; subprocess.Popen(['sleep', '600'], start_new_session=True)",
        is_quick=True,
    ),
    HostileAsset(
        "daemon",
        """
        import os, time
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                time.sleep(600)
            os._exit(0)
        os.wait()
        """,
    ),
    HostileAsset("shell_pipe", "import os; os.system('sleep 600 & sleep 600 &')"),
    HostileAsset(
        "process_pool",
        """
        import concurrent.futures, multiprocessing
        with concurrent.futures.ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as pool:
            return sum(pool.map(abs, range(-5, 0)))
        """,
    ),
    HostileAsset(
        "leaves_a_thread",
        "import threading, time; threading.Thread(target=time.sleep, args=(600,)).start()",
    ),
    HostileAsset(
        "leaves_100_threads",
        """
        import threading, time
        for _ in range(100): threading.Thread(target=time.sleep, args=(600,)).start()
        """,
    ),
    # memory
    HostileAsset(
        "allocates_to_the_limit",
        """
        kept = []
        while True: kept.append(bytes(1 << 26))
        """,
        OUT_OF_MEMORY,
        is_quick=True,
    ),
    HostileAsset("allocates_too_much", "bytes(1 << 40)", OUT_OF_MEMORY),
    HostileAsset(
        "allocates_to_the_last_byte",
        """
        kept = []
        for size in (1 << 26, 1 << 20, 1 << 12, 1 << 8):
            try:
                while True: kept.append(bytes(size))
            except MemoryError: pass
        kept.append(bytes(1 << 20))
        """,
        OUT_OF_MEMORY,
    ),
    HostileAsset(
        "allocates_in_duckdb",
        'context.connection("memory_duck").execute("CREATE TABLE t AS SELECT list(range) FROM range(1000000000)")',
        OUT_OF_MEMORY,
    ),
    # waits that are cancelled
    HostileAsset("sleeps", "import time; time.sleep(1000)", r"cancelled", cancelled=True),
    HostileAsset("spins", "while True: pass", r"cancelled", cancelled=True),
    HostileAsset(
        "spins_and_refuses",
        """
        while True:
            try:
                while True: pass
            except BaseException: pass
        """,
        r"cancelled",
        cancelled=True,
    ),
    HostileAsset(
        "deadlock",
        "import threading; lock = threading.Lock(); lock.acquire(); lock.acquire()",
        r"cancelled",
        cancelled=True,
    ),
    HostileAsset("waits_for_a_pipe", "import os; os.read(os.pipe()[0], 1)", r"cancelled", cancelled=True),
    HostileAsset(
        "waits_for_a_child", "import subprocess; subprocess.run(['sleep', '600'])", r"cancelled", cancelled=True
    ),
    HostileAsset(
        "holds_the_lock_of_python",
        """
        import ctypes
        ctypes.PyDLL(None).sleep(600)
        """,
        r"cancelled",
        cancelled=True,
        is_quick=True,
    ),
    HostileAsset("waits_in_c", "import ctypes; ctypes.CDLL(None).sleep(600)", r"cancelled", cancelled=True),
    HostileAsset("stops_itself", "import os; os.kill(os.getpid(), 19)", r"cancelled", cancelled=True),
    HostileAsset(
        "endless_sql",
        """
        context.connection("memory_duck").execute("SELECT count(*) FROM range(1000000000000) a, range(1000000) b")
        """,
        r"cancelled",
        cancelled=True,
    ),
)
