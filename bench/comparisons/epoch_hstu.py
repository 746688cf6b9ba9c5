"""An epoch of HSTU on ML-1M with its real lengths, ours jagged against PyTorch padded to 211.

The public recipe of HSTU on ML-1M: width 50, 1 head with queries and values of 50, 2 blocks, weights by SiLU over
211, biases of position and of time, cosines over 0.05, 128 negatives for each token from the whole catalogue of
3,883 movies, batches of 128 users, Adam with rate 1e-3. Its dropout of 0.2 is left out on both sides: with
other random numbers losses could not be compared. 6,040 users, the last 200 inputs of each (109 of 211 places
on average), 48 batches, forward, backward and Adam, the table of items as a dense parameter, f32, 2 threads.
Every run is one more epoch over the same batches. The times of ML-1M at hand are approximate.

The peer's attention computes as that of `step-hstu`. It sets the table to length 1 once a step where the public
code does so for each row of each list of negatives: that takes several times as long as everything else.

Our side is `bench_step epoch FOLDER`, a worker whose `check` is the list of the losses of all epochs so far: the
mean of the losses of an epoch's 48 steps, each step's loss being the mean over its tokens and computed before
the step changes anything. FOLDER has, written by peers/epoch_hstu.py:

    config.json          as in step_hstu.py, with items 3883, dim 50, heads 1, query_width 50, value_width 50,
                         score_length 211 and mask_hits true: a negative that is its token's target is left out
    weights.safetensors  as in step_hstu.py, with items [3883, 50], positions [200, 50], input.weight [50, 200]
                         (columns u, v, q, k of 50 each), position_bias [1, 211] (entry 210 - d), time_bias
                         [1, 129], output.weight [50, 50], output.bias [1, 50]
    epoch.safetensors    i32: offsets [6041], inputs [656377], targets [656377], negatives [25600, 128]; i64:
                         happened_at [656377], asked_at [656377]; batch b is rows 128 b up to 128 (b + 1), the
                         last one 24 rows. The token that is number t of its batch, from 0, has the negatives of
                         row t, in every batch and epoch
"""

from harness import environment
from harness.settings import Settings
from harness.statistics import Comparison

from .epoch import compare
from .import_movielens import RATINGS

TARGET = 0.25


def measure(settings: Settings) -> Comparison:
    ratings = environment.data(*RATINGS)
    return compare(settings, "epoch-hstu-ml1m", "epoch_hstu.py", ratings, TARGET, "attention padded to 211")
