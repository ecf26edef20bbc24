"""`python -m benchmarks.plain_duckdb DATABASE`: run statements one after the other, and print the seconds they took.

The statements come as a JSON array on standard input. What they return is fetched.
"""

import json
import sys
import time

import duckdb


def main() -> None:
    statements = json.load(sys.stdin)
    started = time.perf_counter()
    connection = duckdb.connect(sys.argv[1])
    for statement in statements:
        connection.execute(statement).fetchall()
    print(time.perf_counter() - started)
    connection.close()


if __name__ == "__main__":
    main()
