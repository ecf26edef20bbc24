"""Spark's SQL."""

from typing import Any

from dagscope.dag.model.dialect import Dialect


class SparkDialect(Dialect):
    """Spark reads a backslash in a string as an escape, also before a quote, and does not end a quoted name there."""

    def identifier(self, name: str) -> str:
        plain = super().identifier(name)
        return plain if plain == name else "`" + name.replace("`", "``") + "`"

    def literal(self, value: Any) -> str:
        written = super().literal(value)
        return written.replace("\\", "\\\\") if isinstance(value, str) else written


DIALECT = SparkDialect(
    # sql_keywords() that are reserved if spark.sql.ansi.enforceReservedKeywords is on
    frozenset(
        """
        all and any as authorization both call case cast check collate collation column constraint create
        cross current_date current_time current_timestamp current_user distinct else end escape except execute
        false fetch filter for foreign from full grant group having in inner intersect into is join lateral
        leading left natural not null offset on only or order outer overlaps primary recursive references
        right select session_user some sql table then time to trailing union unique unknown user using when
        where with within
        """.split()
    ),
    default_schema="default",
    text_type="STRING",
    starts_with="startswith",
    quotes_numbers=False,  # it would compare a decimal as a double
    grammar="spark",
)
