"""ML-1M as gzip CSV: ours to a sealed log, polars to a sorted Parquet file.

Ours does more: it checks every field, gives ids dense numbers, names every event by a hash, drops
duplicates, reads the movies and users beside the ratings, checksums every file and syncs it to the disk.
polars reads, sorts by time and writes. Ours is timed as a whole process, from its start to its end;
polars inside a warm process, without start and import of the library: the generous choice for the peer.
"""

import shutil

from harness import children, environment
from harness.alternate import alternate
from harness.settings import Settings
from harness.statistics import Case, Comparison, Spread
from harness.worker import Worker

RATINGS = ("ml-1m", "ratings_chronological_approx_ts.csv.gz")
ROWS = 999_611
TARGET = 2.5
THREADS = 2


def measure(settings: Settings) -> Comparison:
    ratings = environment.data(*RATINGS)
    python, binary = environment.python(), environment.binary(settings.ours)
    runs = settings.runs_or(usual=11, quick=3)
    last: dict = {}
    with environment.scratch(1 << 30) as folder:
        log = folder / "log"

        def ours() -> float:
            shutil.rmtree(log, ignore_errors=True)
            done = children.run([binary, "import", "movielens", ratings, "--into", log, "--json"])
            last.update(done.answer, cpu_seconds=done.cpu_seconds, peak_bytes=done.peak_bytes)
            return done.seconds

        command = [python, environment.BENCH / "peers" / "polars_import.py", ratings, folder / "peer.parquet"]
        with Worker("polars", command, env={"POLARS_MAX_THREADS": str(THREADS)}) as polars:
            series = alternate("import", ours, lambda: polars.run()[0], runs)
            peer_rows, version = polars.check()["rows"], polars.facts["polars"]
        log_bytes = sum(path.stat().st_size for path in log.rglob("*") if path.is_file())
        children.run([binary, "verify", log])
        peer_bytes = (folder / "peer.parquet").stat().st_size
    case = Case("", Spread.of(series.ours), Spread.of(series.peer), TARGET)
    case.agree = last.get("events") == peer_rows == ROWS
    case.agreement = f"{last.get('events'):,} events in the log (verified), {peer_rows:,} rows in the peer's file"
    rate = ROWS / case.ours.median
    return Comparison(
        "import", "s", runs, [case],
        ours_is="tastemaker import movielens, the whole process: read, check, index, sort, seal, checksum, fsync",
        peer_is=f"polars {version}, {THREADS} threads, inside a warm process: read_csv, sort, write_parquet (no fsync)",
        notes=[
            f"ours: {rate / 1e6:.2f} M rows/s, {last['cpu_seconds']:.2f} s of CPU, "
            f"{last['peak_bytes'] / 2**20:.0f} MiB resident at most",
            f"bytes written: ours {log_bytes / 1e6:.1f} MB (with ids and arrival order), peer {peer_bytes / 1e6:.1f} MB",
        ],
        facts={"rows_per_second": round(rate), "peak_mib": round(last["peak_bytes"] / 2**20)},
        quick=settings.quick,
    )
