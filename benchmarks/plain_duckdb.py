"""`python -m benchmarks.plain_duckdb DATABASE`: run statements in order, and print how many seconds they took.

Reads the statements from standard input, as a JSON array. Fetches their results.
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
