"""`python -m benchmarks.plain_duckdb DATABASE`: run statements in order, and print how long they took.

Reads the statements from standard input, as a JSON array. Fetches their results. Prints seconds and processor seconds.
"""

import json
import sys
import time

import duckdb


def main() -> None:
    statements = json.load(sys.stdin)
    started, processor_s = time.perf_counter(), time.process_time()
    connection = duckdb.connect(sys.argv[1])
    for statement in statements:
        connection.execute(statement).fetchall()
    print(time.perf_counter() - started, time.process_time() - processor_s)
    connection.close()


if __name__ == "__main__":
    main()
