"""A small project whose run shows every state: an asset fails, a test finds rows, downstreams are skipped."""

from pathlib import Path

from tests.projects import block, model, raw, write_project

ERRORS_IN_LOG = 3
LINES_IN_LOG = 300
FAILING_ROWS = 3
"""How many rows `dds.test_amount_positive` finds."""

_FEED = f"""\
import pyarrow as pa


def execute(context):
    for number in range({LINES_IN_LOG}):
        say = context.log.error if number % {LINES_IN_LOG // ERRORS_IN_LOG} == 50 else context.log.info
        say(f"read file {{number}}", file=f"orders-{{number}}.csv", rows=number * 7)
    return pa.table({{"file": [f"orders-{{number}}.csv" for number in range({LINES_IN_LOG})]}})
"""

FILES = {
    "README.md": "# shop\n",
    "profile.yaml": "version: 1.0.0\nname: shop\nconnection: duck\n",
    raw("staging.feed"): _FEED,
    model("staging.orders"): block("description: Orders as the shop exports them")
    + "SELECT range AS order_id, range * 7 - 14 AS amount, 'customer ' || range % 5 AS customer FROM range(40)",
    model("staging.prices"): "SELECT CAST('n/a' AS INTEGER) AS price",
    model("dds.customer"): 'SELECT customer, sum(amount) AS spent FROM {{ Ref("staging.orders") }} GROUP BY customer',
    model("dds.order"): block("is_data_framed: true\ntests:\n  - name: test_amount_positive")
    + 'SELECT * FROM {{ Ref("staging.orders") }}',
    model("mart.ranking"): 'SELECT * FROM {{ Ref("dds.customer") }} ORDER BY spent',
    model("mart.revenue"): 'SELECT sum(amount) AS revenue FROM {{ Ref("dds.order") }}',
    model("mart.margin"): 'SELECT * FROM {{ Ref("staging.prices") }}',
    "assets/tests/dds/test_amount_positive.sql": block("description: Each order has an amount")
    + 'SELECT * FROM {{ Ref("dds.order") }} WHERE amount <= 0',
    "assets/tests/test_few_orders.sql": 'SELECT count(*) AS n FROM {{ Ref("staging.orders") }} HAVING count(*) > 100',
}


def shop(folder: Path) -> Path:
    return write_project(folder, FILES)
