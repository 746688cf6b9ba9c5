"""New keys into an empty keyed table, rows of 16 numbers, on one thread.

There is no program to compare with: "peer" is the time that 3 million keys a second would take, and the ratio is ours
over it. Keys come in batches of 100,000, each once. A table that is told about how many there will be has room for them
in its index before they come; one that is told nothing grows in pieces as they come.
"""

from harness import environment, printing
from harness.settings import Settings
from harness.statistics import Case, Comparison, Spread
from harness.worker import Worker

# Keys, and whether the table is told of them.
SIZES = [(10_000_000, True), (50_000_000, True), (10_000_000, False), (50_000_000, False)]
SIZES_QUICK = [(1_000_000, True), (1_000_000, False)]
WIDTH = 16
KEYS_PER_SECOND = 3e6
LOAD_MIN = 0.9


def measure(settings: Settings) -> Comparison:
    program = environment.example("tables", "bench_tables")
    runs = settings.runs_or(usual=5, quick=3)
    cases, facts = [], {}
    for keys, told in SIZES_QUICK if settings.quick else SIZES:
        name = f"{keys // 1_000_000} M keys, {'told' if told else 'untold'}"
        with Worker("bench_tables", [program, "growth", keys, WIDTH, keys if told else 0], env={"RAYON_NUM_THREADS": "1"}) as worker:
            seconds = [worker.run()[0] for _ in range(runs)]
            load = worker.check()["load"]
        case = Case(name, Spread.of(seconds), Spread.of([keys / KEYS_PER_SECOND]), 1.0)
        case.agree = load >= LOAD_MIN
        case.agreement = f"{name}: load {load:.3f} of the index after all (at least {LOAD_MIN})"
        rate = keys / case.ours.median
        facts[name] = {"keys_per_second": round(rate), "load": round(load, 4), "runs": seconds}
        printing.note(f"  {name}: {rate / 1e6:.2f} M keys/s, load {load:.3f}")
        cases.append(case)
    return Comparison(
        "growth", "s", runs, cases,
        ours_is=f"tables::Table::admit, rows of {WIDTH} f32, uniform init, 1 thread",
        peer_is="no program: the time at 3 M keys/s",
        facts=facts,
        quick=settings.quick,
    )
