"""Closing what a process left open when it died: at the start of the next one, before its port opens.

Only what is open is closed, and a task only after its nodes: doing it twice, or dying halfway, does no harm.
What is closed ends when the dead process last recorded something: the time until the next start is nobody's work.
"""

from collections.abc import Sequence

from dagscope.dag.events.closing import UnendedTask, closing_events
from dagscope.dag.events.task_log import Emit
from dagscope.storage.reader import Moment, Reader
from dagscope.storage.recorder import Recorder
from dagscope.storage.tasks import KeptTask

INTERRUPTED = "interrupted: server restarted"


async def recover(reader: Reader, recorder: Recorder) -> int:
    """Close every task that no process is running any more; returns how many there were."""
    async with reader.moment() as moment:
        tasks = [task for task_id in await moment.unended_tasks() if (task := await moment.task(task_id)) is not None]
        ended_ms = await _last_sign_ms(moment, tasks) if tasks else 0
    for task in tasks:
        close_task(task, recorder.emit, INTERRUPTED, ended_ms)
    await recorder.flush()
    return len(tasks)


async def _last_sign_ms(moment: Moment, tasks: Sequence[KeptTask]) -> int:
    """The newest time that the dead process recorded."""
    accepted = [task.summary.start_time for task in tasks]
    of_nodes = [
        time for task in tasks for node in task.nodes for time in (node.status.start_time, node.status.end_time)
    ]
    return max(await moment.last_time_ms(), *(time for time in (*accepted, *of_nodes) if time is not None))


def close_task(task: KeptTask, emit: Emit, message: str, ended_ms: int) -> None:
    """End a task whose runner is gone at that time; `message` says why, in its nodes that had not ended."""
    nodes = tuple((node.status, node.facts) for node in task.nodes)
    for event in closing_events(UnendedTask(task.summary, task.attempt, nodes, task.open_tests), message, ended_ms):
        emit(event)
