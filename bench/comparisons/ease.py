"""EASE on ML-1M, ours against numpy: Gram matrix, inverse, division by the diagonal.

Both are warm processes with the pairs in memory, and a run is a whole fit. The item x item matrices of both
sides are compared weight by weight.
"""

import array
import math
import operator
import sys
from pathlib import Path

from harness import children, environment
from harness.alternate import alternate
from harness.settings import Settings
from harness.statistics import Case, Comparison, Spread
from harness.worker import Worker

from .pairs import THREADS, ours, pairs, peer

L2 = 500
TARGET = 1.0
APART_MAX = 1e-4


def measure(settings: Settings) -> Comparison:
    python = environment.python()
    program, threads = ours()
    runs = settings.runs_or(usual=5, quick=2)
    numpy_threads = {"OPENBLAS_NUM_THREADS": str(THREADS)}
    with pairs() as folder:
        source, our_file, peer_file = folder / "pairs.csv", folder / "ours.f32", folder / "peer.f32"
        with (
            Worker("bench_factor", [program, "ease", L2, source, our_file], env=threads) as our_side,
            Worker("numpy", [python, peer("ease.py"), L2, source, peer_file], env=numpy_threads) as peer_side,
        ):
            series = alternate("ease", lambda: our_side.run()[0], lambda: peer_side.run()[0], runs)
            our_side.check()
            peer_side.check()
            items = peer_side.facts["items"]
        apart, largest = difference(our_file, peer_file, items * items)
    case = Case("", Spread.of(series.ours), Spread.of(series.peer), TARGET)
    case.agree = apart <= APART_MAX
    case.agreement = (
        f"{items:,} x {items:,} weights: largest difference {apart:.2e} (at most {APART_MAX:g}), "
        f"largest weight {largest:.3f}"
    )
    return Comparison(
        "ease", "s", runs, [case],
        ours_is=f"retrieve::Ease::fit, {THREADS} threads",
        peer_is=f"scipy's sparse Gram matrix and numpy.linalg.inv in float64, {THREADS} threads",
        facts={"items": items, "apart": apart},
        quick=settings.quick,
    )


def difference(ours: Path, peer: Path, count: int) -> tuple[float, float]:
    """Largest absolute difference of two files of little-endian f32, and the largest weight."""
    one, other = weights(ours, count), weights(peer, count)
    apart = max(map(abs, map(operator.sub, one, other)))
    return apart, max(map(abs, other))


def weights(path: Path, count: int) -> array.array:
    values = array.array("f")
    values.frombytes(path.read_bytes())
    if sys.byteorder == "big":
        values.byteswap()
    if len(values) != count:
        raise children.Failed(f"{path.name} holds {len(values):,} weights, expected {count:,}")
    # A comparison with NaN is false: it would hide in a maximum.
    if not all(map(math.isfinite, values)):
        raise children.Failed(f"{path.name} holds a weight that is no finite number")
    return values
