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

from harness import environment
from harness.settings import Settings
from harness.statistics import Comparison

from .epoch import compare

SEQUENCES = ("ml-1m", "sequences_chronological.txt.gz")
TARGET = 0.45


def measure(settings: Settings) -> Comparison:
    ratings = environment.data(*SEQUENCES)
    return compare(settings, "epoch-sasrec-ml1m", "epoch_sasrec.py", ratings, TARGET, "padded to 200, fused attention")
