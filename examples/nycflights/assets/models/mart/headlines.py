"""The year in one nested value, from the frames of five other assets."""

from assets.lib.rows import Row, pick
from dagscope import RawContext


def execute(context: RawContext) -> Row:
    airlines = context.input["mart.carrier_scorecard"].to_pylist()
    destinations = context.input["mart.airport_league"].to_pylist()
    worst_days = context.input["mart.worst_days"].to_pylist()
    streaks = context.input["mart.late_streaks"].to_pylist()
    # A handful of flights says nothing about an hour.
    hours = [hour for hour in context.input["mart.hour_of_day"].to_pylist() if hour["flights"] >= 500]

    return {
        "flights": sum(airline["flights"] for airline in airlines),
        "airlines": {
            "best": pick(airlines[:1], "airline", "on_time_pct", "cancelled_pct"),
            "worst": pick(airlines[-1:], "airline", "on_time_pct", "cancelled_pct"),
        },
        "destinations": {
            "best": pick(destinations[:3], "destination", "on_time_pct"),
            "worst": pick(destinations[-3:], "destination", "on_time_pct"),
        },
        "hours": {
            "best": pick(sorted(hours, key=mean_delay)[:1], "sched_dep_hour", "mean_dep_delay_min"),
            "worst": pick(sorted(hours, key=mean_delay)[-1:], "sched_dep_hour", "mean_dep_delay_min"),
        },
        "worst_days": pick(worst_days[:3], "flight_date", "weekday", "cancelled", "disrupted_pct"),
        "longest_late_streak": pick(streaks[:1], "airline", "first_day", "days", "on_time_pct"),
    }


def mean_delay(hour: Row) -> float:
    return float(hour["mean_dep_delay_min"])
