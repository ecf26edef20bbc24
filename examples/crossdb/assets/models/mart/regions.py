"""Customers and revenue by region, from the rows of both databases."""

import pyarrow as pa

from dagscope import RawContext


def execute(context: RawContext) -> pa.Table:
    """One row per region. Frames are pyarrow tables, and decimals keep all their digits."""
    customers: pa.Table = context.input["staging.customers"]
    revenue: pa.Table = context.input["dds.customer_revenue"]
    joined = customers.select(["customer_id", "region"]).join(revenue.select(["customer_id", "revenue"]), "customer_id")
    regions = joined.group_by("region").aggregate([("customer_id", "count"), ("revenue", "sum")])
    context.log.info("regions counted", regions=regions.num_rows)
    return regions.rename_columns(["region", "customers", "revenue"]).sort_by("region")
