"""How an epoch of ML-1M is compared: one process a side, an epoch a run, the loss of the first epoch equal."""

from pathlib import Path

from harness import children, environment
from harness.alternate import alternate
from harness.settings import Settings
from harness.statistics import Case, Comparison, Spread
from harness.worker import Worker

from .pairs import THREADS, peer
from .step_sasrec import same_losses

APART_MAX = 1e-3


def compare(settings: Settings, name: str, script: str, ratings: Path, target: float, how: str) -> Comparison:
    """`script` is the peer, `how` says in a few words what it does with padding."""
    python = environment.python("torch")
    program = environment.example("train", "bench_step")
    runs = settings.runs_or(usual=3, quick=1)
    script = peer(script)
    threads = {"RAYON_NUM_THREADS": str(THREADS)}
    with environment.scratch(1 << 26) as folder:
        children.run([python, script, "make", folder, ratings])
        with (
            Worker("bench_step", [program, "epoch", folder], env=threads) as our_side,
            Worker("torch", [python, script, "train", folder]) as peer_side,
        ):
            series = alternate("epoch", lambda: our_side.run()[0], lambda: peer_side.run()[0], runs)
            losses = our_side.check(), peer_side.check()
            facts = peer_side.facts
    case = Case("", Spread.of(series.ours), Spread.of(series.peer), target)
    # The first epoch: 48 steps, after which rounding has not yet led the two apart.
    case.agree, case.agreement = same_losses(*losses, at=0, apart_max=APART_MAX, what="epochs")
    tokens = facts["tokens"]
    return Comparison(
        name, "s", runs, [case],
        ours_is=f"train's epoch on the CPU, jagged, {THREADS} threads: {tokens / case.ours.median:,.0f} tokens/s",
        peer_is=f"torch {facts['torch']} eager, {how}, fused Adam, {THREADS} threads: "
                f"{tokens / case.peer.median:,.0f} tokens/s",
        notes=[f"{tokens:,} tokens, {facts['tokens_padded']:,} places when padded"],
        facts={"tokens": tokens, "tokens_padded": facts["tokens_padded"]},
        quick=settings.quick,
    )
