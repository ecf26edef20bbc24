"""Text for a console of rich, as it is: no markup, and nothing in it that a terminal acts on."""

from rich.console import Console
from rich.table import Table
from rich.text import Text

from dagscope.dag.ground.terminal_text import shown


def print_line(console: Console, text: str, style: str = "") -> None:
    """Print a line, which a narrow terminal wraps."""
    console.print(shown(text), style=style, highlight=False, soft_wrap=True, markup=False)


def plain(text: str) -> Text:
    """Text for a cell of a table."""
    return Text(shown(text))


def table_of(*headings: str) -> Table:
    """A table without rows, whose values are never cut."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in headings:
        table.add_column(plain(heading), no_wrap=True, overflow="fold")
    return table


def seconds(duration_ms: int) -> str:
    """`1.25s`."""
    return f"{duration_ms / 1000:.2f}s"
