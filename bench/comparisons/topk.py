"""The 100 best of 1,000,000 x 64 vectors by scalar product, ours against faiss, one query and 32 at once.

Both are warm processes with their index in memory, and a run is one search of the whole batch. Both are exact:
the rows found are compared one by one.
"""

import array
import math
import sys
from pathlib import Path

from harness import children, environment, printing
from harness.alternate import alternate
from harness.settings import Settings
from harness.statistics import Case, Comparison, Spread
from harness.worker import Worker

from .pairs import THREADS, peer

BATCHES = (1, 32)
ROWS = 1_000_000
ROWS_QUICK = 100_000
K = 100
TARGET = 0.6
APART_MAX = 1e-6
"""Rows may stand in another order, or for one another, where their scores are this close, relatively."""


def measure(settings: Settings) -> Comparison:
    python = environment.python("torch")
    program = environment.example("tensor", "bench_scan")
    threads = {"RAYON_NUM_THREADS": str(THREADS)}
    peer_threads = {"OMP_NUM_THREADS": str(THREADS)}
    runs = settings.runs_or(usual=21, quick=3)
    rows = ROWS_QUICK if settings.quick else ROWS
    cases, facts = [], {}
    with environment.scratch(rows * 64 * 4 + (1 << 27)) as folder:
        items, queries = folder / "items.f32", folder / "queries.f32"
        printing.note(f"  making {rows:,} vectors")
        children.run([python, peer("topk.py"), "make", rows, max(BATCHES), items, queries])
        for batch in BATCHES:
            our_file, peer_file = folder / f"ours-{batch}", folder / f"peer-{batch}"
            arguments = [batch, K, items, queries]
            with (
                Worker("bench_scan", [program, *arguments, our_file], env=threads) as our_side,
                Worker("faiss", [python, peer("topk.py"), *arguments, peer_file], env=peer_threads) as peer_side,
            ):
                name = f"batch {batch}"
                series = alternate(name, lambda: our_side.run()[0], lambda: peer_side.run()[0], runs, warmups=2)
                our_side.check()
                peer_side.check()
                facts = {"ours": our_side.facts, "peer": peer_side.facts}
            case = Case(name, Spread.of(series.ours), Spread.of(series.peer), TARGET)
            case.agree, case.agreement = same(answers(our_file, batch), answers(peer_file, batch))
            cases.append(case)
    return Comparison(
        "topk", "s", runs, cases,
        ours_is=f"tensor::scan::ItemIndex, {facts['ours']['kernel']}, {THREADS} threads",
        peer_is=f"faiss-cpu {facts['peer']['faiss']}, IndexFlatIP, {THREADS} threads",
        facts=facts,
        quick=settings.quick,
    )


def answers(path: Path, batch: int) -> list[list[tuple[int, float]]]:
    """Rows and scores of each query."""
    rows, scores = array.array("I"), array.array("f")
    data = path.read_bytes()
    if len(data) != batch * K * (rows.itemsize + scores.itemsize):
        raise children.Failed(f"{path.name} holds {len(data):,} bytes, expected {K} rows and scores of {batch} queries")
    rows.frombytes(data[: len(data) // 2])
    scores.frombytes(data[len(data) // 2 :])
    if sys.byteorder == "big":
        rows.byteswap()
        scores.byteswap()
    found = list(zip(rows, scores))
    return [found[at : at + K] for at in range(0, len(found), K)]


def same(ours: list[list[tuple[int, float]]], peers: list[list[tuple[int, float]]]) -> tuple[bool, str]:
    """Whether both found the same rows with the same scores, up to rows that rounding may swap at the end."""
    apart, other_rows = 0.0, 0
    for one, other in zip(ours, peers):
        for found, reference in ((dict(one), dict(other)), (dict(other), dict(one))):
            if len(found) != K:
                return False, f"{len(found)} different rows of a query, expected {K}"
            last = min(reference.values())
            other_rows += sum(row not in reference for row in found)
            # A row that only one side found must be as good as the other's last.
            apart = max(apart, *(difference(score, reference.get(row, last)) for row, score in found.items()))
        # And the order is that of the scores.
        apart = max(apart, *(difference(a, b) for (_, a), (_, b) in zip(one, other)))
    return apart <= APART_MAX, (
        f"{len(ours) * K:,} rows, {other_rows // 2} found by one side only, scores apart by at most {apart:.1e} "
        f"(at most {APART_MAX:g})"
    )


def difference(score: float, reference: float) -> float:
    """Relative; infinite where one is no number."""
    apart = abs(score - reference) / max(abs(reference), 1e-30)
    return apart if math.isfinite(apart) else math.inf
