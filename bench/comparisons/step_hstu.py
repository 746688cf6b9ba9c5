"""One training step of HSTU (128 x 200 tokens, 50,000 items), ours against eager PyTorch.

Width 64, 2 heads with queries and values of 32, 2 blocks, weights by SiLU over 200, biases of position and of
time, 128 negatives shared by all tokens, cosines over 0.05, forward, backward and Adam, f32, 2 threads. Two
forms, as in `step-sasrec`: `leaf` and `dense`. Every run is one more step on the same batch from the same first
weights. The two forms have equal losses, since the one batch touches the same rows each time.

The peer computes as the public research code does: matrices [128, 200, 200] of spans of time, their buckets and
both biases, made in each block, and one of scores for each head, whose upper half is then set to 0.

Our side is `bench_step step FOLDER leaf|dense`, a worker whose `check` is the list of the losses of all steps
so far, each computed before its step changes anything. FOLDER has, written by peers/step_hstu.py:

    config.json          weighting "silu", items 50000, dim 64, blocks 2, heads 2, query_width 32, value_width 32
                         (of one head), length_max 200, score_length 200, norm_epsilon 1e-6, temperature 0.05,
                         rows 128, negatives 128, mask_hits false (a negative that is a token's target counts),
                         learning_rate 1e-3, betas [0.9, 0.98], epsilon 1e-8: Adam's
    weights.safetensors  f32, linear weights [in, out]: items [50000, 64], positions [200, 64] and for i = 0, 1
                         block.{i}. input.weight [64, 256] (columns u, v, q, k of 64 each, heads are consecutive
                         groups of 32 in each; no bias), position_bias [1, 200] (entry 199 - d: the key is d
                         tokens before the query), time_bias [1, 129], output.weight [64, 64], output.bias [1, 64]
    batch.safetensors    i32: offsets [129] (rows of 200), inputs [25600], targets [25600], negatives [128];
                         i64: happened_at [25600], when the input happened, and asked_at [25600], when the target
                         did, in seconds

Model: that of crates/models/tests/golden/make_hstu.py, where every formula stands. Loss of a token:
log(e^{s_p} + sum over negatives of e^{s_n}) - s_p, s = hidden . items[i] / max(||items[i]||, 1e-6) / temperature,
hidden being of length 1; of a step: the mean.
"""

from harness import children, environment
from harness.alternate import alternate
from harness.settings import Settings
from harness.statistics import Case, Comparison, Spread
from harness.worker import Worker

from .pairs import THREADS, peer
from .step_sasrec import APART_MAX, FORMS, STEPS_COMPARED, same_losses

TARGET = 0.35


def measure(settings: Settings) -> Comparison:
    python = environment.python("torch")
    program = environment.example("train", "bench_step")
    # With the warm-up there are then enough steps to compare.
    runs = settings.runs_or(usual=15, quick=STEPS_COMPARED)
    script, cases = peer("step_hstu.py"), []
    threads = {"RAYON_NUM_THREADS": str(THREADS)}
    with environment.scratch(1 << 26) as folder:
        children.run([python, script, "make", folder])
        for form in FORMS:
            with (
                Worker("bench_step", [program, "step", folder, form], env=threads) as our_side,
                Worker("torch", [python, script, form, folder]) as peer_side,
            ):
                series = alternate(form, lambda: our_side.run()[0], lambda: peer_side.run()[0], runs)
                losses = our_side.check(), peer_side.check()
                facts = peer_side.facts
            case = Case(form, Spread.of(series.ours), Spread.of(series.peer), TARGET)
            case.agree, case.agreement = same_losses(*losses, at=STEPS_COMPARED, apart_max=APART_MAX, what="steps")
            cases.append(case)
    return Comparison(
        "step-hstu", "s", runs, cases,
        ours_is=f"train's step on the CPU, {THREADS} threads",
        peer_is=f"torch {facts['torch']} eager, whole matrices of biases and scores, fused Adam, {THREADS} threads",
        facts={"rows_touched": facts["rows_touched"]},
        quick=settings.quick,
    )
