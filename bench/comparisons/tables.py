"""Embedding rows, ours against torch.nn.EmbeddingBag and FBGEMM: pooled look-ups, and updates.

26 features, 20 ids a bag, 4,096 bags, rows of 64 numbers, 10 M rows in all, ids by Zipf 1.05. `lookup` is the forward
pass. `update` is forward, backward and the optimiser: ours takes a step of row-wise Adagrad in the same pass over rows,
torch makes sparse gradients and gives them to its Adagrad, which keeps a number of state for each number of a row.
"""

from contextlib import contextmanager

from harness import children, environment, printing
from harness.alternate import alternate
from harness.settings import Settings
from harness.statistics import Case, Comparison, Spread
from harness.worker import Worker

from .pairs import THREADS, peer

ROWS = 10_000_000 // 26
ROWS_QUICK = 20_000
RUNS = {"usual": 11, "quick": 3}
# Ours, the peer's environment and what it does there, and the largest ratio.
LOOKUPS = [
    ("dense f32", "dense-f32", "torch", "f32", 0.8),
    ("dense bf16", "dense-bf16", "torch", "f32", 0.5),
    ("64-bit keys", "keyed-f32", "torch", "f32", 1.2),
    ("dense f32, fbgemm", "dense-f32", "fbgemm", "fbgemm", 0.9),
]
UPDATE = 0.15
PASSES = 8
"""Of a side before it is the other's turn: threads of OpenMP spin for a while after the last one, and caches are cold
before the first."""
APART_MAX = {"dense-f32": 1e-4, "dense-bf16": 1e-4, "keyed-f32": 1e-4}
UPDATE_APART_MAX = 1e-3
"""Of sums of 20 rows, after steps in which both sides round."""


def lookup(settings: Settings) -> Comparison:
    with prepared(settings) as (rows, folder, program, python):
        cases, versions = [], {}
        for name, ours, kind, theirs, target in LOOKUPS:
            ids = folder / ("keys" if ours.startswith("keyed") else "ids")
            our_side = [program, "lookup", ours, rows, ids, folder / "ours"]
            their_side = [environment.python(kind), peer("tables.py"), "lookup", theirs, rows, folder / "ids", folder / "peers"]
            case, facts = compared(settings, name, our_side, their_side, target)
            versions[kind] = facts["peer"]["torch"]
            found, largest = apart(python, folder)
            case.agree = found is not None and found <= APART_MAX[ours]
            case.agreement = f"{name}: sums at most {found} apart (at most {APART_MAX[ours]:g}), the largest is {largest:.2f}"
            cases.append(case)
    peers = f"EmbeddingBag, f32, no gradient, torch {versions['torch']}; batched tables of FBGEMM, torch {versions['fbgemm']}"
    return comparison("lookup", settings, cases, facts, "tables::Table::pooled", peers)


def update(settings: Settings) -> Comparison:
    with prepared(settings) as (rows, folder, program, python):
        ids = folder / "ids"
        our_side = [program, "update", "row-wise", rows, ids, folder / "ours"]
        their_side = [python, peer("tables.py"), "update", "adagrad", rows, ids, folder / "peers"]
        case, facts = compared(settings, "update", our_side, their_side, UPDATE)
        # The same optimiser on both sides, fresh tables, one step.
        our_side[2] = "adagrad"
        with Worker("bench_tables", our_side) as one, Worker("torch", their_side) as other:
            for worker in (one, other):
                worker.run()
                worker.check()
        found, largest = apart(python, folder)
        case.agree = found is not None and found <= UPDATE_APART_MAX
        case.agreement = (
            f"after a step of Adagrad on both sides, sums at most {found} apart (at most {UPDATE_APART_MAX:g}), the "
            f"largest is {largest:.2f}"
        )
    peers = f"EmbeddingBag, sparse + Adagrad, torch {facts['peer']['torch']}"
    return comparison("update", settings, [case], facts, "pooled + row-wise Adagrad", peers)


@contextmanager
def prepared(settings: Settings):
    """Ids in a temporary folder, and both programs."""
    python, program = environment.python("torch"), environment.example("tables", "bench_tables")
    rows = ROWS_QUICK if settings.quick else ROWS
    with environment.scratch(1 << 28) as folder:
        printing.note(f"  drawing ids of {26 * rows:,} rows")
        children.run([python, peer("tables.py"), "make", rows, folder / "ids", folder / "keys"])
        yield rows, folder, program, python


def compared(settings, name, our_side, their_side, target):
    runs = settings.runs_or(**RUNS)
    threads = {"RAYON_NUM_THREADS": str(THREADS)}
    with (
        Worker("bench_tables", our_side, env=threads) as one,
        Worker("torch", their_side, env={"OMP_NUM_THREADS": str(THREADS)}) as other,
    ):
        def passes(worker):
            return sum(worker.run()[0] for _ in range(PASSES)) / PASSES

        series = alternate(name, lambda: passes(one), lambda: passes(other), runs, warmups=1)
        one.check()
        other.check()
        facts = {"ours": one.facts, "peer": other.facts}
    return Case(name, Spread.of(series.ours), Spread.of(series.peer), target), facts


def apart(python, folder):
    answer = children.run([python, peer("tables.py"), "apart", folder / "ours", folder / "peers"]).answer
    return answer["apart"], answer["largest"]


def comparison(name, settings, cases, facts, ours_is, peer_is):
    return Comparison(
        name, "s", settings.runs_or(**RUNS), cases,
        ours_is=f"{ours_is}, {THREADS} threads",
        peer_is=f"{peer_is}, {THREADS} threads",
        facts=facts,
        quick=settings.quick,
    )
