"""Closing what a process left open when it died: at the start of the next one, before its port opens.

Only what is open is closed, and a task only after its nodes: doing it twice, or dying halfway, does no harm.
"""

from dagscope.dag.events.closing import UnendedTask, closing_events
from dagscope.storage.reader import Reader
from dagscope.storage.recorder import Recorder
from dagscope.storage.tasks import KeptTask

INTERRUPTED = "interrupted: server restarted"


async def recover(reader: Reader, recorder: Recorder) -> int:
    """Close every task that no process is running any more; returns how many there were."""
    async with reader.moment() as moment:
        found = [await moment.task(task_id) for task_id in await moment.unended_tasks()]
    tasks = [task for task in found if task is not None]
    for task in tasks:
        close_task(task, recorder, INTERRUPTED)
    await recorder.flush()
    return len(tasks)


def close_task(task: KeptTask, recorder: Recorder, message: str) -> None:
    """End a task whose runner is gone; `message` becomes that of the nodes that were running."""
    nodes = tuple((node.status, node.facts) for node in task.nodes)
    for event in closing_events(UnendedTask(task.summary, task.attempt, nodes, task.open_tests), message):
        recorder.emit(event)
