"""Streaks of bad days, by airline.

On a bad day, fewer than 70 % of an airline's flights arrive on time. Streaks, in which each day depends on the day
before, are awkward in SQL and simple in Python.

A run's data can change two numbers: "bad_day_pct" (70) and "min_streak_days" (3).
"""

from datetime import date, timedelta

import pyarrow as pa

from assets.lib.rows import Row
from dagscope import RawContext

SCHEMA = pa.schema(
    [
        ("carrier", pa.string()),
        ("airline", pa.string()),
        ("first_day", pa.date32()),
        ("last_day", pa.date32()),
        ("days", pa.int32()),
        ("flights", pa.int32()),
        ("on_time_pct", pa.float64()),
    ]
)

# With fewer flights than this, one late plane would make a bad day.
MIN_FLIGHTS_A_DAY = 5


def execute(context: RawContext) -> pa.Table:
    parameters = context.input.get("__input__") or {}
    bad_day_pct = float(parameters.get("bad_day_pct", 70))
    min_streak_days = int(parameters.get("min_streak_days", 3))

    days = context.input["dds.carrier_day"].to_pylist()
    days.sort(key=lambda day: (day["carrier"], day["flight_date"]))

    streaks: list[Row] = []
    current: list[Row] = []
    for day in days:
        is_bad = day["flights"] >= MIN_FLIGHTS_A_DAY and day["on_time_pct"] < bad_day_pct
        if current and not (is_bad and follows(current[-1], day)):
            streaks.append(summary(current))
            current = []
        if is_bad:
            current.append(day)
    if current:
        streaks.append(summary(current))

    streaks = [streak for streak in streaks if streak["days"] >= min_streak_days]
    streaks.sort(key=lambda streak: (-streak["days"], streak["on_time_pct"], streak["carrier"], streak["first_day"]))
    context.log.info(
        "late streaks found",
        streaks=len(streaks),
        longest_days=streaks[0]["days"] if streaks else 0,
        bad_day_pct=bad_day_pct,
    )
    # The schema keeps the types of the columns if no streak is found.
    return pa.Table.from_pylist(streaks, schema=SCHEMA)


def follows(before: Row, day: Row) -> bool:
    next_day: date = before["flight_date"] + timedelta(days=1)
    return bool(before["carrier"] == day["carrier"] and day["flight_date"] == next_day)


def summary(days: list[Row]) -> Row:
    flights = sum(day["flights"] for day in days)
    return {
        "carrier": days[0]["carrier"],
        "airline": days[0]["airline"],
        "first_day": days[0]["flight_date"],
        "last_day": days[-1]["flight_date"],
        "days": len(days),
        "flights": flights,
        "on_time_pct": round(100 * sum(day["on_time"] for day in days) / flights, 1),
    }
