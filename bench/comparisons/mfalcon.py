"""Many candidates at once, and the next request after one event, by a kept history; the peer encodes it each time.

Both sides are ours: HSTU of d 64, 4 blocks, 2 heads of 32, a history of 1,024 events. Case `candidates`: 1,024
candidates scored in micro-batches after one encode of the history, which is part of the time, against each candidate
alone at the end of the history (16 of them are run, the time is taken 64 times). Case `next`: the last hidden state
after one new event, from what was kept, against a fresh encode. Scores must agree within 1e-5.
"""

from harness import environment
from harness.alternate import alternate
from harness.settings import Settings
from harness.statistics import Case, Comparison, Spread
from harness.worker import Worker

from .pairs import THREADS

APART_MAX = 1e-5
# Name of the case, our unit, the peer's, target of the ratio.
CASES = [("candidates", "falcon", "alone", 0.01), ("next", "next", "fresh", 0.05)]


def measure(settings: Settings) -> Comparison:
    program = environment.example("train", "bench_mfalcon")
    runs = settings.runs_or(usual=15, quick=3)
    threads = {"RAYON_NUM_THREADS": str(THREADS)}
    cases = []
    for name, ours, theirs, target in CASES:
        with (
            Worker(ours, [program, ours], env=threads) as our_side,
            Worker(theirs, [program, theirs], env=threads) as peer_side,
        ):
            series = alternate(name, lambda: our_side.run()[0], lambda: peer_side.run()[0], runs)
            found = our_side.check()
        case = Case(name, Spread.of(series.ours), Spread.of(series.peer), target)
        apart = max(abs(a - b) for a, b in zip(found["falcon"], found["alone"], strict=True))
        apart = max(apart, found["next_apart"])
        case.agree = apart <= APART_MAX
        case.agreement = f"states at most {apart:.1e} apart (at most {APART_MAX:.0e})"
        cases.append(case)
    return Comparison(
        "mfalcon", "s", runs, cases,
        ours_is=f"a kept history, {THREADS} threads",
        peer_is=f"our own encode of the whole history each time, {THREADS} threads",
        quick=settings.quick,
    )
