"""50 million rows of a made-up CSV, 1 M users, 200 k items: memory stays under 1 GiB.

There is no peer here: "peer" is the limit, 1,024 MiB of resident memory, and the ratio is our peak over it.
The rows come in no order at all, which is the hard case: every run of the external sort reaches over the
whole year. File and log lie in a temporary folder and are deleted afterwards.
"""

from harness import children, environment, printing
from harness.settings import Settings
from harness.statistics import Case, Comparison, Spread

ROWS, USERS, ITEMS = 50_000_000, 1_000_000, 200_000
QUICK_ROWS = 4_000_000
LIMIT_MIB = 1024.0
# CSV 36, runs of the sort 40, segments 26 bytes a row, and some air.
BYTES_PER_ROW = 120


def measure(settings: Settings) -> Comparison:
    rows = QUICK_ROWS if settings.quick else ROWS
    runs = settings.runs_or(usual=1, quick=1)
    python, binary = environment.python(), environment.binary(settings.ours)
    peaks, seconds = [], []
    with environment.scratch(rows * BYTES_PER_ROW) as folder:
        source = folder / "events.csv"
        printing.note(f"  generating {rows:,} rows")
        generate = [python, environment.BENCH / "generate_csv.py", source, rows, USERS, ITEMS]
        made = children.run(generate, progress="generating").answer
        for run in range(runs):
            log = folder / f"log-{run}"
            command = [binary, "import", "csv", source, "--into", log, "--json"]
            done = children.run(command, progress="importing")
            peaks.append(done.peak_bytes / 2**20)
            seconds.append(done.seconds)
            printing.note(f"  {run + 1} of {runs}: {done.seconds:.1f} s, peak {peaks[-1]:.0f} MiB")
        printing.note("  verifying the log")
        children.run([binary, "verify", log], progress="verifying")
        log_bytes = sum(path.stat().st_size for path in log.rglob("*") if path.is_file())
    case = Case("", Spread.of(peaks), Spread.of([LIMIT_MIB]), 1.0)
    found = done.answer
    case.agree = (found["events"], found["users"], found["items"]) == (rows, made["users"], made["items"])
    case.agreement = (
        f"the log (verified) has {found['events']:,} events, {found['users']:,} users, {found['items']:,} items; "
        f"generated: {rows:,}, {made['users']:,}, {made['items']:,}"
    )
    took = Spread.of(seconds).median
    return Comparison(
        "import-50m", "MiB", runs, [case],
        ours_is=f"tastemaker import csv of {rows:,} rows: most resident memory of the process (ru_maxrss)",
        peer_is="no program: the limit of 1 GiB",
        notes=[
            f"{took:.1f} s, {rows / took / 1e6:.2f} M rows/s, {done.cpu_seconds:.1f} s of CPU; "
            f"CSV {made['bytes'] / 1e9:.2f} GB, log {log_bytes / 1e9:.2f} GB",
        ],
        facts={"seconds": round(took, 2), "rows_per_second": round(rows / took), "rows": rows},
        quick=settings.quick,
    )
