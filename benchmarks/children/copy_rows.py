"""Loads a TSV into PostgreSQL in the simplest way: csv and COPY into one table, no checks."""

import csv
import gzip
import time

import psycopg
from psycopg import sql

from benchmarks.children.measure import read_task, write_result


def main() -> None:
    task = read_task()
    with psycopg.connect(task["uri"]) as connection:
        started = time.perf_counter()
        with gzip.open(task["path"], "rt", encoding="utf-8") as lines:
            rows = csv.reader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
            columns = sql.SQL(", ").join(
                sql.SQL("{} text").format(sql.Identifier(name)) for name in next(rows)
            )
            connection.execute(sql.SQL("CREATE TABLE plain ({})").format(columns))
            count = 0
            with connection.cursor() as cursor, cursor.copy("COPY plain FROM STDIN") as copy:
                for row in rows:
                    copy.write_row([text.replace("\0", "") for text in row])
                    count += 1
        connection.commit()
        seconds = time.perf_counter() - started
        connection.execute("DROP TABLE plain")
    write_result({"seconds": seconds, "rows": count})


if __name__ == "__main__":
    main()
