"""dagscope: a debug server for DAGs of SQL assets.

`RawContext` is what a raw asset's `execute(context)` is given; import it to type one.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dagscope.dag.run.raw_assets import RawContext

__all__ = ["RawContext"]


def __getattr__(name: str) -> Any:
    """`RawContext` is imported when it is asked for: `dg --help` needs no pyarrow."""
    if name in __all__:
        from dagscope.dag.run import raw_assets

        return getattr(raw_assets, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
