"""Ending a thread's Python code from outside, only in places where no library's lock stays held.

An exception that is sent to a thread is raised wherever that thread is: for example between a library's acquiring of a
lock and its `try`, and then the lock is held forever. So it is sent only while the innermost function of the thread is
code of the project, and the loops and functions of a raw asset's file also check by themselves (`with_checks`).
"""

import ast
import ctypes
import operator
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from itertools import repeat
from types import CodeType
from typing import Any

from dagscope.dag.ground.python_syntax import parsed

CHECK = "__dagscope_check__"
"""A global of a checked module: None, or the function whose call ends the code."""

_AGAIN_S = 0.5  # code that is ended closes what it has open; it gets this long before the next exception

_frames = sys._current_frames  # noqa: SLF001  documented, despite its name


class BrokenOff(BaseException):
    """Raised in a raw asset's code when its task is cancelled; an `except Exception` there does not catch it."""


class Breaker:
    """Ends the Python code of the thread that creates it, on request.

    `is_own` says whether a function's file belongs to the project.
    """

    def __init__(self, is_own: Callable[[str], bool]) -> None:
        self._is_own, self._thread = is_own, threading.get_ident()
        self._globals: list[dict[str, Any]] = []
        self._last = -_AGAIN_S

    def check_in(self, module_globals: dict[str, Any]) -> None:
        """Register the globals of a module that was compiled `with_checks`."""
        module_globals[CHECK] = None
        self._globals.append(module_globals)

    def break_off(self) -> None:
        """Raise `BrokenOff` in the thread, now or when it is back in the project's code. Safe from any thread.

        Call it again until the thread has ended.
        """
        for module_globals in self._globals:
            module_globals[CHECK] = self._check
        if self._is_due() and self._send():
            self._last = time.monotonic()

    def forget(self) -> None:
        """Withdraw an exception that was not raised yet, also from checks. Call it in the thread itself, at its end.

        Other threads may still call the module's functions, and one that starts later may have this thread's number.
        """
        for module_globals in self._globals:
            module_globals[CHECK] = None
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(self._thread), None)

    def _is_due(self) -> bool:
        return time.monotonic() - self._last >= _AGAIN_S

    def _check(self) -> None:
        if threading.get_ident() == self._thread and self._is_due():
            self._last = time.monotonic()
            raise BrokenOff

    def _send(self) -> bool:
        """Whether the exception was sent, which requires that the thread's innermost function is the project's.

        Checking and sending are one chain of C functions, during which no other thread can run.
        """
        frame = _frames().get(self._thread)
        if frame is None or not self._is_own(frame.f_code.co_filename):
            return False
        send = partial(
            ctypes.pythonapi.PyThreadState_SetAsyncExc, ctypes.c_ulong(self._thread), ctypes.py_object(BrokenOff)
        )
        if_still_there = {frame.f_code.co_filename: send}
        del frame
        innermost = map(operator.itemgetter(self._thread), iter(_frames, None))
        files = map(operator.attrgetter("f_code.co_filename"), innermost)
        actions = map(if_still_there.get, files, repeat(int))  # int() is 0
        try:
            return bool(next(map(operator.call, actions)))
        except KeyError:  # the thread has ended
            return False


def with_checks(source: bytes, filename: str) -> CodeType:
    """The module's code, which tests `CHECK` in every loop and function. Raises `SyntaxError`."""
    tree = parsed(source, filename)
    for node in ast.walk(tree):
        if isinstance(node, ast.For | ast.AsyncFor | ast.While):
            node.body.insert(0, _look(node.body[0]))
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            place = 0 if ast.get_docstring(node, clean=False) is None else 1
            node.body.insert(place, _look(node.body[0]))
    try:
        return compile(tree, filename, "exec")
    except RecursionError:  # compiling deep expressions takes more stack from a tree than from text
        return compile(source, filename, "exec")


def _look(beside: ast.stmt) -> ast.stmt:
    """`if CHECK: CHECK()`, on the line of a statement."""
    call = ast.Expr(ast.Call(ast.Name(CHECK, ast.Load()), [], []))
    look = ast.If(ast.Name(CHECK, ast.Load()), [call], [])
    for node in ast.walk(look):
        ast.copy_location(node, beside)
    return look
