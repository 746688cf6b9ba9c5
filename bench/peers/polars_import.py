"""polars reads a CSV, sorts it by time and writes it as Parquet: `polars_import.py RATINGS OUT`.

Speaks the line protocol of harness/worker.py.
"""

import json
import os
import sys
import time

import polars as pl

RATINGS, OUT = sys.argv[1:3]


def say(what: dict) -> None:
    print(json.dumps(what), flush=True)


def work() -> float:
    if os.path.exists(OUT):
        os.remove(OUT)
    begun = time.perf_counter()
    pl.read_csv(RATINGS).sort("timestamp", maintain_order=True).write_parquet(OUT)
    return time.perf_counter() - begun


say({"ready": True, "facts": {"polars": pl.__version__, "threads": pl.thread_pool_size()}})
for line in sys.stdin:
    match line.strip():
        case "run":
            say({"seconds": work()})
        case "check":
            table = pl.read_parquet(OUT)
            if not table["timestamp"].is_sorted():
                sys.exit("the peer's file is not sorted")
            say({"check": {"rows": table.height}})
        case _:
            break
