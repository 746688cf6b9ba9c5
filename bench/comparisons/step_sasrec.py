"""One training step of SASRec (128 x 200 tokens, 50,000 items), ours against eager PyTorch.

Pre-norm, width 64, 2 heads, 2 blocks, feed-forward 256 with ReLU, 128 negatives shared by all tokens, forward,
backward and Adam, f32, 2 threads. Two forms: in `leaf` the step's different rows of the table are looked up,
trained as a leaf and put back by an Adam that touches them alone; in `dense` the table is a parameter with a
dense gradient and dense Adam. Every run is one more step on the same batch from the same first weights. The
two forms have equal losses, since the one batch touches the same rows each time.

The rows named `products` compare the time of all matrix products inside our step with that of the same shapes by
themselves, whole matrices by faer in the same process and the same run.

Our side is `bench_step step FOLDER leaf|dense`, a worker whose `check` is the list of the losses of all steps
so far, each computed before its step changes anything. FOLDER has, written by peers/step_sasrec.py:

    config.json          block "pre-norm", items 50000, dim 64, heads 2, blocks 2, hidden 256, length_max 200,
                         norm_epsilon 1e-8, scale_embedding false, rows 128, negatives 128, mask_hits false (a
                         negative that is a token's target counts), learning_rate, betas [2], epsilon: Adam's
    weights.safetensors  f32, linear weights [in, out]: items [50000, 64], positions [200, 64],
                         norm.weight|bias [64] and for i = 0, 1 block.{i}. attention.norm.weight|bias [64],
                         attention.input.weight [64, 192] and .bias [192] (columns q, k, v),
                         attention.output.weight [64, 64] and .bias, feed_forward.norm.weight|bias [64],
                         feed_forward.up.weight [64, 256] and .bias, feed_forward.down.weight [256, 64] and .bias
    batch.safetensors    i32: offsets [129] (rows of 200), inputs [25600], targets [25600], negatives [128]

Loss of a token: log(e^{s_p} + sum over negatives of e^{s_n}) - s_p, s = hidden . items[i]; of a step: the mean.
"""

from harness import children, environment
from harness.alternate import alternate
from harness.settings import Settings
from harness.statistics import Case, Comparison, Spread
from harness.worker import Worker

from .pairs import THREADS, peer

FORMS = ("leaf", "dense")
TARGET = 0.8
# Matrix products inside a step may take so much longer than the same shapes by themselves.
GEMM_SHARE = 0.6
# The loss before any step says little; the one after three has passed through every gradient.
STEPS_COMPARED = 3
APART_MAX = 1e-3


def measure(settings: Settings) -> Comparison:
    python = environment.python("torch")
    program = environment.example("train", "bench_step")
    # With the warm-up there are then enough steps to compare.
    runs = settings.runs_or(usual=15, quick=STEPS_COMPARED)
    script, cases = peer("step_sasrec.py"), []
    threads = {"RAYON_NUM_THREADS": str(THREADS)}
    with environment.scratch(1 << 26) as folder:
        children.run([python, script, "make", folder])
        for form in FORMS:
            with (
                Worker("bench_step", [program, "step", folder, form], env=threads) as our_side,
                Worker("torch", [python, script, form, folder]) as peer_side,
            ):
                inside, alone = [], []

                def step():
                    seconds, told = our_side.run()
                    inside.append(told["gemm_seconds"])
                    alone.append(our_side.run("gemm")[0])
                    return seconds

                series = alternate(form, step, lambda: peer_side.run()[0], runs)
                losses = our_side.check(), peer_side.check()
                facts = peer_side.facts
            case = Case(form, Spread.of(series.ours), Spread.of(series.peer), TARGET)
            case.agree, case.agreement = same_losses(*losses, at=STEPS_COMPARED, apart_max=APART_MAX, what="steps")
            cases.append(case)
            # The warm-up is not counted.
            products = Case(
                f"{form}, products", Spread.of(inside[1:]), Spread.of(alone[1:]), round(1 / GEMM_SHARE, 2)
            )
            products.agreement = (
                f"matrix products inside a step reach {100 / products.ratio:.0f} % of the speed of the same shapes by "
                f"themselves (at least {100 * GEMM_SHARE:g} %)"
            )
            cases.append(products)
    return Comparison(
        "step-sasrec", "s", runs, cases,
        ours_is=f"train's step on the CPU, {THREADS} threads",
        peer_is=f"torch {facts['torch']} eager, fused attention, fused Adam, {THREADS} threads",
        facts={"rows_touched": facts["rows_touched"]},
        quick=settings.quick,
    )


def same_losses(ours: list[float], theirs: list[float], at: int, apart_max: float, what: str) -> tuple[bool, str]:
    """Whether both have the same loss number `at` (or the last, where fewer ran), and how that reads."""
    if len(ours) != len(theirs) or not theirs:
        raise children.Failed(f"ours told {len(ours)} losses and the peer {len(theirs)}: one each for every run")
    at = min(at, len(theirs) - 1)
    apart = abs(ours[at] - theirs[at]) / abs(theirs[at])
    # A comparison with NaN is false, as it should be.
    return apart <= apart_max, (
        f"loss after {at} {what}: ours {ours[at]:.6f}, peer {theirs[at]:.6f}, {apart:.1e} apart (at most "
        f"{apart_max:g}); before any {theirs[0]:.4f}, at the end {ours[-1]:.4f} and {theirs[-1]:.4f}"
    )
