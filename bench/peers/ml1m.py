"""ML-1M's ratings as plain pairs for both sides: `user index,item index,value` a line.

    python3 ml1m.py ratings_chronological_approx_ts.csv.gz pairs.csv

Indices count from 0 in the order of first appearance.
"""
import csv
import gzip
import sys


def main(source, out):
    users, items = {}, {}
    with gzip.open(source, "rt") as rows, open(out, "w") as pairs:
        for row in csv.DictReader(rows):
            user = users.setdefault(row["user_id"], len(users))
            item = items.setdefault(row["movie_id"], len(items))
            pairs.write(f"{user},{item},{row['rating']}\n")


main(*sys.argv[1:])
