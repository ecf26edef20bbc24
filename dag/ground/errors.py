"""All errors that dagscope's domain raises on purpose.

DagscopeError
├── ProjectInvalid          the project's files are invalid; carries all problems
├── EngineUnusable          another package's engine cannot be loaded
├── SelectorInvalid         a selector cannot be read, or selects nothing
├── TemplateFailed          a template could not be rendered
├── LateReference           a template refers to an asset that it did not refer to when it was loaded
├── ConnectionFailed        a database could not be reached
├── StatementFailed         a database refused a statement
├── ResultMissing           a data-framed asset returns no rows to capture
├── TransactionLeftOpen     an asset ended without the COMMIT of its own BEGIN
├── ColumnsDiffer           the query of an incremental asset has other columns than its table
├── TypeNotKept             a column's type or value has no exact counterpart in its destination
├── RawAssetFailed          a raw asset's Python code raised, or returned a value that cannot be stored
├── MaskInvalid             a data test masks a column that it does not select
├── InputMissing            an asset needs an upstream's data that was never captured
├── TooManyRows             an asset writes more rows than it may
├── UpkeepRefused           an asset has no relation that can be dropped or truncated
├── RowsRefused             rows cannot be filtered or sorted in the way that is asked for
├── FrameDamaged            a stored frame is missing or differs from what was written
└── Cancelled               the task was cancelled during this work
"""

from collections.abc import Sequence

from dagscope.dag.ground.problems import Problem


class DagscopeError(Exception):
    """Base of all errors whose text is meant for users of dagscope."""


class ProjectInvalid(DagscopeError):
    """The project cannot be used; `problems` lists everything that is wrong, ordered by file and line."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(sorted(problems))
        super().__init__("\n".join(map(str, self.problems)))


class EngineUnusable(DagscopeError):
    """Another package provides a connection type, but its engine cannot be used."""


class SelectorInvalid(DagscopeError):
    """A selector of assets cannot be read, names something that does not exist, or selects nothing."""


class TemplateFailed(DagscopeError):
    """A template could not be rendered; `path` is relative to the project, `line` counts from 1."""

    def __init__(self, path: str, line: int, reason: str) -> None:
        self.path, self.line, self.reason = path, line, reason
        super().__init__(f"{path}:{line}: {reason}")


class LateReference(DagscopeError):
    """A `Ref` that was not evaluated when the project was loaded, so the graph does not order the two assets."""


class ConnectionFailed(DagscopeError):
    """The database behind the connection named `connection` could not be opened."""

    def __init__(self, connection: str, reason: str) -> None:
        self.connection, self.reason = connection, reason
        super().__init__(f'connection "{connection}": {reason}')


class StatementFailed(DagscopeError):
    """A database refused a statement; `reason` is the database's own text."""

    def __init__(self, connection: str, reason: str) -> None:
        self.connection, self.reason = connection, reason
        super().__init__(reason)


class TransactionLeftOpen(DagscopeError):
    """An asset ended while its own transaction was open; what it wrote there is rolled back."""

    def __init__(self, connection: str) -> None:
        self.connection = connection
        super().__init__(
            f'connection "{connection}": a transaction was left open, so everything written in it was rolled back; '
            "end it with COMMIT"
        )


class ColumnsDiffer(DagscopeError):
    """Rows cannot be appended by name, because the query's column names differ from the table's."""


class TypeNotKept(DagscopeError):
    """A column cannot be copied without changing its values; `type` is the source's own name for its type."""

    def __init__(self, column: str, type_: str, place: str, hint: str) -> None:
        self.column, self.type = column, type_
        super().__init__(f'column "{column}" of type {type_} cannot be kept in {place}: {hint}')


class RawAssetFailed(DagscopeError):
    """A raw asset's function raised, or returned a value of an unknown kind."""


class MaskInvalid(DagscopeError):
    """A data test masks a column that its query does not select."""


class InputMissing(DagscopeError):
    """An asset needs the data of an upstream, but no data was captured."""


class ResultMissing(DagscopeError):
    """A data-framed asset returns no rows that could be captured."""


class TooManyRows(DagscopeError):
    """An asset writes more rows than the limit."""


class UpkeepRefused(DagscopeError):
    """An asset with this materialization has no relation that can be dropped or truncated."""


class FrameNotStored(DagscopeError):
    """A frame cannot be written: no space, no permission, no folder."""


class RowsRefused(DagscopeError):
    """A filter or a sort key does not fit the columns; says what would."""


class FrameDamaged(DagscopeError):
    """The bytes of a stored frame are missing, or differ from what was written."""


class Cancelled(DagscopeError):
    """The task was cancelled."""

    def __init__(self) -> None:
        super().__init__("cancelled")
