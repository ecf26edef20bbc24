"""Which strings are valid task ids."""

NO_TASK = "default"
"""What log entries that belong to no task have in the place of a task id (contract, Logs)."""

TASK_ID_LENGTH = 4_096  # characters


def check_task_id(task_id: str) -> str:
    """The task id if it is valid (contract, Words). Raises `ValueError`, which says what is wrong."""
    if not 1 <= len(task_id) <= TASK_ID_LENGTH:
        raise ValueError(f"taskId must have 1 to {TASK_ID_LENGTH} characters, found {len(task_id)}")
    if task_id in (".", ".."):
        raise ValueError(f'taskId cannot be "{task_id}"')
    for character in task_id:
        if "\ud800" <= character <= "\udfff":
            raise ValueError(f"taskId must be UTF-8 text, found {character!a}")
        if character in "/\\" or ord(character) < 0x20 or 0x7F <= ord(character) < 0xA0:
            raise ValueError(f"taskId cannot contain the character {character!a}")
    return task_id


def check_new_task_id(task_id: str) -> str:
    """The same for a task that is to be executed. Raises `ValueError` too for the name that is no task's."""
    if task_id == NO_TASK:
        raise ValueError(f'taskId cannot be "{NO_TASK}": log entries that belong to no task are under it')
    return check_task_id(task_id)
