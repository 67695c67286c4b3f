"""Write the contrast rows of a part as Parquet.

    python scripts/model/contrast_pairs.py OUTPUT_PARQUET [--part train|test] [--seed N]

The columns are text, sentiment, family, twin (shared by the rows of a pair or group), part, rule
(what a model may answer) and spans (JSON: start, end and sentiment of clauses with their own). The
same seed gives the same file.
"""

import argparse
import json
import sys
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from sagemaker_jobs.contrast.generate import ContrastRow, generate


def table_of(rows: list[ContrastRow]) -> pa.Table:
    """The rows as a table of strings."""
    columns = {
        "text": [row.text for row in rows],
        "sentiment": [row.sentiment.value for row in rows],
        "family": [row.family for row in rows],
        "twin": [row.twin for row in rows],
        "part": [row.part for row in rows],
        "rule": [row.rule for row in rows],
        "spans": [json.dumps(row.spans) for row in rows],
    }
    return pa.table(columns)


def main(argv: list[str] | None = None) -> int:
    """Write the file and print the rows of each family."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("output", type=Path, help="Parquet file to write")
    parser.add_argument("--part", choices=("train", "test"), default="train")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(argv)
    rows = generate(options.part, options.seed)
    options.output.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table_of(rows), options.output)
    for family, count in sorted(Counter(row.family for row in rows).items()):
        print(f"{count:7,} {family}")
    print(f"{len(rows):7,} rows in {options.output}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
