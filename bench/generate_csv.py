"""Makes a large CSV of ratings: `generate_csv.py FILE ROWS USERS ITEMS`. Needs numpy and polars.

Users are uniform, items follow Zipf's law with exponent 1, times are uniform over one year and in no
order. The same arguments give the same bytes. Prints what it made as one JSON object.
"""

import json
import os
import sys

import numpy as np
import polars as pl

BLOCK_ROWS = 2_000_000
YEAR_BEGINS_S, YEAR_S = 1_735_689_600, 31_536_000  # 2025-01-01, UTC


def main(path: str, rows: int, users: int, items: int) -> None:
    random = np.random.default_rng(20_250_101)
    popularity = np.cumsum(1.0 / np.arange(1, items + 1))
    popularity /= popularity[-1]
    # Popular items should not have the small numbers: real catalogues do not sort themselves.
    name = random.permutation(items).astype(np.int64)
    seen_users, seen_items = np.zeros(users, dtype=bool), np.zeros(items, dtype=bool)
    with open(path, "wb") as file:
        for begin in range(0, rows, BLOCK_ROWS):
            count = min(BLOCK_ROWS, rows - begin)
            user = random.integers(0, users, count)
            item = name[np.searchsorted(popularity, random.random(count))]
            seen_users[user] = True
            seen_items[item] = True
            block = pl.DataFrame({
                "user_id": user,
                "item_id": item,
                "rating": random.integers(1, 6, count),
                "timestamp": YEAR_BEGINS_S + random.integers(0, YEAR_S, count),
            })
            block = block.with_columns(pl.format("u{}", "user_id").alias("user_id"), pl.format("i{}", "item_id").alias("item_id"))
            block.write_csv(file, include_header=begin == 0)
    made = {"rows": rows, "users": int(seen_users.sum()), "items": int(seen_items.sum()), "bytes": os.path.getsize(path)}
    print(json.dumps(made))


if __name__ == "__main__":
    main(sys.argv[1], *(int(word) for word in sys.argv[2:5]))
