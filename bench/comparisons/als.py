"""One iteration of implicit ALS on ML-1M, ours against `implicit`, at 64 and 128 factors.

Conjugate gradient with 3 steps, 2 threads, f32, alpha 1, the same penalty. Both are warm processes with the
data in memory; an iteration solves all users and then all items. The losses are computed by each side's own
code after equally many iterations and must lie within 0.5 % of each other.
"""

from harness import environment
from harness.alternate import alternate
from harness.settings import Settings
from harness.statistics import Case, Comparison, Spread
from harness.worker import Worker

from .pairs import THREADS, ours, pairs, peer

FACTORS = (64, 128)
TARGET = 0.8
LOSS_APART_MAX = 0.005


def measure(settings: Settings) -> Comparison:
    python = environment.python()
    program, threads = ours()
    # Too few iterations and the losses differ by where each side began.
    runs = settings.runs_or(usual=20, quick=12)
    cases = []
    with pairs() as folder:
        for factors in FACTORS:
            arguments = [factors, folder / "pairs.csv"]
            with (
                Worker("bench_factor", [program, "als", *arguments], env=threads) as our_side,
                Worker("implicit", [python, peer("als.py"), *arguments]) as peer_side,
            ):
                what = f"{factors} factors"
                series = alternate(what, lambda: our_side.run()[0], lambda: peer_side.run()[0], runs)
                losses = our_side.check(), peer_side.check()
            case = Case(f"{factors}", Spread.of(series.ours), Spread.of(series.peer), TARGET)
            apart = abs(losses[0] - losses[1]) / abs(losses[1])
            case.agree = apart <= LOSS_APART_MAX
            case.agreement = (
                f"loss after {runs + 1} iterations: ours {losses[0]:.6f}, peer {losses[1]:.6f}, "
                f"{100 * apart:.3f} % apart (at most {100 * LOSS_APART_MAX:g} %)"
            )
            cases.append(case)
    return Comparison(
        "als", "s", runs, cases,
        ours_is=f"retrieve::AlsTraining::iterate, conjugate gradient, {THREADS} threads",
        peer_is=f"implicit's compiled conjugate-gradient routine, the one its fit calls, {THREADS} threads",
        quick=settings.quick,
    )
