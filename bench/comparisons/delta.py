"""Rows shipped to a server: size of a delta, and what applying it costs readers.

A million rows of 64 numbers in f32 by 64-bit key, 1 % of them touched. There is no peer: `reader p99` is a request of
256 rows while another thread applies deltas as fast as it can, against the same with nobody applying; `apply` is the time of
a million rows meanwhile against a second; `size` is a delta less its named constant against its snapshot.
"""

from harness import environment
from harness.alternate import alternate
from harness.settings import Settings
from harness.statistics import Case, Comparison, Spread
from harness.worker import Worker

ROWS = 1_000_000
ROWS_QUICK = 100_000
RUNS = {"usual": 11, "quick": 3}
P99_MAX = 1.5
SIZE_MAX = 0.015


def measure(settings: Settings) -> Comparison:
    rows = ROWS_QUICK if settings.quick else ROWS
    runs = settings.runs_or(**RUNS)
    program = environment.example("tables", "bench_delta")
    rates = []
    with (
        environment.scratch(1 << 30) as folder,
        Worker("applying", [program, rows, "applying", folder / "one"]) as one,
        Worker("alone", [program, rows, "alone", folder / "other"]) as other,
    ):

        def applying() -> float:
            seconds, facts = one.run()
            rates.append(facts["apply_rows_per_s"])
            return seconds

        series = alternate("reader p99", applying, lambda: other.run()[0], runs)
        size = one.check()
        facts = one.facts
    seconds = [1e6 / rate for rate in rates[-runs:]]
    cases = [
        Case("reader p99", Spread.of(series.ours), Spread.of(series.peer), P99_MAX),
        Case("apply", Spread.of(seconds), Spread.of([1.0]), 1.0),
        Case("size", Spread.of([max(size["delta"] - size["fixed"], 0)]), Spread.of([size["snapshot"]]), SIZE_MAX),
    ]
    rate = 1e6 / Spread.of(seconds).median
    return Comparison(
        "delta", "s", runs, cases,
        ours_is="with a thread that applies deltas; a million rows applied; bytes of a delta",
        peer_is="without; a second; bytes of the snapshot",
        notes=[f"{rate:,.0f} rows/s applied while rows are read; a delta of {size['delta']:,} of {size['snapshot']:,} bytes"],
        facts={**facts, "apply_rows_per_s": rate, "size": size, "size_ratio": size["delta"] / size["snapshot"]},
        quick=settings.quick,
    )
