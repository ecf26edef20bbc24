"""Continuing a run of this process at its breakpoints."""

import asyncio
import sys
from collections.abc import Coroutine
from typing import Any

from rich.console import Console

from dagscope.cli.breakpoint_question import STOP, ask, read_answer, say, show_hold
from dagscope.cli.progress import TaskProgress
from dagscope.dag.events.status import NodeStatus, PausedAt
from dagscope.dag.ground.errors import ProjectInvalid
from dagscope.dag.run.breakpoints import GoOn
from dagscope.server.workspace.task_queue import ActiveTask, AssetsAreOthers
from dagscope.server.workspace.workspace import Workspace

OTHER_ASSETS = "Assets or references have changed: the task continues with its earlier files."


class PausedRun:
    """Asks on the terminal how to continue wherever the task holds.

    Nothing waits in a thread, so that Ctrl-C ends it at once.
    """

    def __init__(self, workspace: Workspace, active: ActiveTask, console: Console, progress: TaskProgress) -> None:
        self._workspace, self._active, self._console, self._progress = workspace, active, console, progress
        self._answered: set[PausedAt] = set()

    async def to_end(self) -> None:
        """Wait until the task has ended."""
        active = self._active
        while not active.ended.is_set():
            active.pause_changed.clear()
            paused = next((each for each in active.paused_at if each not in self._answered), None)
            if paused is None:
                await _first(active.ended.wait(), active.pause_changed.wait())
            else:
                await self._hold(paused)

    async def _hold(self, paused: PausedAt) -> None:
        self._progress.stop()
        show_hold(self._console, paused, await self._node(paused.asset))
        while not self._active.ended.is_set():
            ask(self._console, paused)
            answer = await self._answer()
            if answer is not None and await self._has_continued(paused.asset, answer):
                break
        self._answered.add(paused)
        self._progress.start()

    async def _node(self, asset: str) -> NodeStatus | None:
        async with self._workspace.reader.moment() as moment:
            task = await moment.task(self._active.task_id)
        nodes = task.nodes if task is not None else ()
        return next((node.status for node in nodes if node.status.asset_name == asset), None)

    async def _answer(self) -> GoOn | str | None:
        """The next line; None if the task ends before, because it was cancelled."""
        loop, typed = asyncio.get_running_loop(), asyncio.Event()
        loop.add_reader(sys.stdin, typed.set)
        try:
            await _first(typed.wait(), self._active.ended.wait())
        finally:
            loop.remove_reader(sys.stdin)
        return read_answer() if typed.is_set() else None

    async def _has_continued(self, asset: str, answer: GoOn | str) -> bool:
        """Continue with the files as they are now; if that is not possible, the terminal says why."""
        workspace, active = self._workspace, self._active
        if answer == STOP:
            await workspace.tasks.cancel(active.task_id)
            return True
        how = GoOn(answer)
        try:
            if how is not GoOn.SKIP:
                from dagscope.server.workspace.reload import reload_now  # heavy, and seldom needed

                await reload_now(workspace)
            workspace.tasks.go_on(workspace.project, active.task_id, asset, how)
        except ProjectInvalid as error:
            say(self._console, "\n".join(map(str, error.problems)))
            return False
        except AssetsAreOthers as error:
            say(self._console, str(error))
            return False
        if workspace.project.graph != active.project.graph:
            say(self._console, OTHER_ASSETS)
        return True


async def _first(*waits: Coroutine[Any, Any, Any]) -> None:
    """Wait until one of them is done."""
    tasks = [asyncio.ensure_future(each) for each in waits]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
