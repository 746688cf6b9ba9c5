"""Causal attention over rows as long as ML-1M's, ours jagged against PyTorch's fused kernel on padded rows.

Forward and backward, 128 users drawn once, 2 heads of 32, f32, 2 threads, rows cut to and padded to N = 200, 512
and 1,024. Padding costs B N^2 / sum n^2 times the work: that is the bound of the speed-up, and the target is
70 % of it.

Our side is `bench_attention FOLDER N`, a worker. A `run` is forward and backward, whose four results stay for
`check`: {"output": [a, b, c], "query": ..., "key": ..., "value": ...} with the last three being the gradients of
these inputs; a is the sum of all numbers, b the sum of their squares, c the sum of their products with `gradient`,
place by place, all added up in f64. FOLDER has, written by peers/attention.py:

    config.json             heads 2, length_max N
    attention.safetensors   offsets i32 [129]; query, key, value and gradient (of the output, from above) f32
                            [tokens, 64]: row b is tokens offsets[b]..offsets[b + 1], head h columns 32 h up to
                            32 (h + 1), nothing padded

Scores are over sqrt(32).
"""

import math

from harness import children, environment
from harness.alternate import alternate
from harness.settings import Settings
from harness.statistics import Case, Comparison, Spread
from harness.worker import Worker

from .epoch_sasrec import SEQUENCES
from .pairs import THREADS, peer

LENGTHS = (200, 512, 1024)
SHARE_OF_BOUND = 0.7
APART_MAX = 1e-4
RESULTS = ("output", "query", "key", "value")


def measure(settings: Settings) -> Comparison:
    sequences = environment.data(*SEQUENCES)
    python = environment.python("torch")
    program = environment.example("tensor", "bench_attention")
    runs = settings.runs_or(usual=9, quick=2)
    script, cases, bounds = peer("attention.py"), [], {}
    threads = {"RAYON_NUM_THREADS": str(THREADS)}
    with environment.scratch(1 << 28) as scratch:
        for length in LENGTHS:
            folder = scratch / f"{length}"
            folder.mkdir()
            children.run([python, script, "make", folder, length, sequences])
            with (
                Worker("bench_attention", [program, folder, length], env=threads) as our_side,
                Worker("torch", [python, script, "run", folder, length]) as peer_side,
            ):
                what = f"N = {length}"
                series = alternate(what, lambda: our_side.run()[0], lambda: peer_side.run()[0], runs)
                found = our_side.check(), peer_side.check()
                facts = peer_side.facts
            bounds[f"{length}"] = bound = facts["bound"]
            target = round(1 / (SHARE_OF_BOUND * bound), 3)
            case = Case(what, Spread.of(series.ours), Spread.of(series.peer), target)
            apart = max(difference(found[0][name], found[1][name]) for name in RESULTS)
            case.agree = apart <= APART_MAX
            case.agreement = (
                f"sums over {facts['tokens']:,} tokens of the output and three gradients: {apart:.1e} apart (at most "
                f"{APART_MAX:g}); {1 / case.ratio:.2f} times as fast of a bound of {bound:.2f}"
            )
            cases.append(case)
    return Comparison(
        "attention", "s", runs, cases,
        ours_is=f"tensor's jagged causal attention, forward and backward, {THREADS} threads",
        peer_is=f"torch {facts['torch']} scaled_dot_product_attention on padded rows, {THREADS} threads",
        facts={"bound": bounds},
        quick=settings.quick,
    )


def difference(ours: list[float], theirs: list[float]) -> float:
    """Of the three sums, against the length of the vector: the sum of a gradient can be 0."""
    length = math.sqrt(theirs[1])
    apart = [abs(one - other) / scale for one, other, scale in zip(ours, theirs, (length, theirs[1], length))]
    # NaN hides in a maximum.
    return max(apart) if all(map(math.isfinite, apart)) else math.inf
