"""Training over a slow tier: a table 37 times its memory on disk, against the same table all in memory.

26 features of one id a sample, 4,096 samples, rows of 64 numbers, Zipf 1.05, row-wise Adagrad, under the matrix products of
a DCN (input 26 × 64 + 13, three cross layers, 1,024-512), forward and backward. Three cases: with the next batch loaded
ahead; without that; ahead, but past the page cache. In the first two the slab may lie in the system's page cache, which
is memory too: only the last shows what a disk costs.
"""

from harness import environment, printing
from harness.alternate import alternate
from harness.settings import Settings
from harness.statistics import Case, Comparison, Spread
from harness.worker import Worker

from .pairs import THREADS

ROWS, ROWS_QUICK = 400_000, 400_000
"""Of each feature: 10.4 M rows, 2.7 GB in all. Of fewer rows 1/37 would not hold two batches."""
CHUNK, CHUNK_QUICK = 5, 2
"""Batches of a run: `--runs 400` is 2,000 batches of the first case, two hours on two cores."""
CROSS = 3
RUNS = {"usual": 12, "quick": 3}
BESIDE_RUNS = 12
"""At most, of the cases that only stand beside."""
TARGET = 1.26
"""Meta's figure, for the first case; the other two stand beside it."""
SLAB_BYTES = 6 << 30
CASES = [("ahead, page cache", "ahead", TARGET), ("alone, page cache", "alone", 100.0), ("ahead, O_DIRECT", "direct", 100.0)]


def measure(settings: Settings) -> Comparison:
    program = environment.example("tables", "bench_offload")
    rows = ROWS_QUICK if settings.quick else ROWS
    chunk = CHUNK_QUICK if settings.quick else CHUNK
    runs = settings.runs_or(**RUNS)
    threads = {"RAYON_NUM_THREADS": str(THREADS)}
    cases, facts = [], {}
    for name, kind, target in CASES:
        with environment.scratch(SLAB_BYTES) as folder:
            printing.note(f"  {name}: writing {26 * rows:,} rows")
            sides = [[program, side, rows, chunk, CROSS, folder / side] for side in (kind, "ram")]
            with Worker(kind, sides[0], env=threads) as one, Worker("ram", sides[1], env=threads) as other:
                last = {}

                def ours():
                    seconds, last["facts"] = one.run()
                    return seconds

                own_runs = runs if target == TARGET else min(runs, BESIDE_RUNS)
                series = alternate(name, ours, lambda: other.run()[0], own_runs, warmups=1)
                found, expected = one.check(), other.check()
        case = Case(name, Spread.of(series.ours), Spread.of(series.peer), target)
        memory = last["facts"]
        case.agree = found == expected and memory["bytes"] <= memory["may"]
        case.agreement = (
            f"{name}: the same bits after {found['batches']} batches: {found == expected}; {memory['bytes']:,} of "
            f"{memory['may']:,} bytes"
        )
        cases.append(case)
        facts[kind] = memory
    return Comparison(
        "offload", "s", runs, cases,
        ours_is=f"TieredTable over DiskTier, memory 1/37 of the table, {chunk} batches, {THREADS} threads",
        peer_is=f"Table, all in memory, {chunk} batches, {THREADS} threads",
        facts=facts,
        quick=settings.quick,
    )
