"""An epoch of SASRec on ML-1M with its real lengths, ours jagged against PyTorch padded to 200.

The model of `step-sasrec` with the table of 3,706 items as a dense parameter. 6,040 users, the last 200 inputs
of each (109 of 200 places on average), 48 batches of 128 users, 128 negatives for each batch, forward, backward
and Adam, f32, 2 threads. Every run is one more epoch over the same batches.

Our side is `bench_step epoch FOLDER`, a worker whose `check` is the list of the losses of all epochs so far: the
mean of the losses of an epoch's 48 steps, each step's loss being the mean over its tokens and computed before
the step changes anything. FOLDER has, written by peers/epoch_sasrec.py:

    config.json          as in step_sasrec.py, with items 3706 and mask_hits true: for a token whose target is
                         among the negatives, that negative is left out of its sum
    weights.safetensors  as in step_sasrec.py, with items [3706, 64]
    epoch.safetensors    i32: offsets [6041], inputs [656377], targets [656377], negatives [48, 128]; batch b is
                         rows 128 b up to 128 (b + 1), the last one 24 rows, with the negatives of row b
"""

from harness import children, environment
from harness.alternate import alternate
from harness.settings import Settings
from harness.statistics import Case, Comparison, Spread
from harness.worker import Worker

from .pairs import THREADS, peer
from .step_sasrec import same_losses

SEQUENCES = ("ml-1m", "sequences_chronological.txt.gz")
TARGET = 0.45
APART_MAX = 1e-3


def measure(settings: Settings) -> Comparison:
    sequences = environment.data(*SEQUENCES)
    python = environment.python("torch")
    program = environment.example("train", "bench_step")
    runs = settings.runs_or(usual=3, quick=1)
    script = peer("epoch_sasrec.py")
    threads = {"RAYON_NUM_THREADS": str(THREADS)}
    with environment.scratch(1 << 26) as folder:
        children.run([python, script, "make", folder, sequences])
        with (
            Worker("bench_step", [program, "epoch", folder], env=threads) as our_side,
            Worker("torch", [python, script, "train", folder]) as peer_side,
        ):
            series = alternate("epoch", lambda: our_side.run()[0], lambda: peer_side.run()[0], runs)
            losses = our_side.check(), peer_side.check()
            facts = peer_side.facts
    case = Case("", Spread.of(series.ours), Spread.of(series.peer), TARGET)
    # The first epoch: 48 steps, after which rounding has not yet led the two apart.
    case.agree, case.agreement = same_losses(*losses, at=0, apart_max=APART_MAX, what="epochs")
    tokens = facts["tokens"]
    return Comparison(
        "epoch-sasrec-ml1m", "s", runs, [case],
        ours_is=f"train's epoch on the CPU, jagged, {THREADS} threads: {tokens / case.ours.median:,.0f} tokens/s",
        peer_is=f"torch {facts['torch']} eager, padded to 200, fused attention, fused Adam, {THREADS} threads: "
                f"{tokens / case.peer.median:,.0f} tokens/s",
        notes=[f"{tokens:,} tokens, {facts['tokens_padded']:,} places when padded"],
        facts={"tokens": tokens, "tokens_padded": facts["tokens_padded"]},
        quick=settings.quick,
    )
