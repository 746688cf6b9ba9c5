"""The peer of `bench/compare step-sasrec`: one training step of SASRec in eager PyTorch, 2 threads, f32.

    python3 step_sasrec.py make FOLDER            writes what both sides read
    python3 step_sasrec.py leaf|dense FOLDER      a worker; a `run` is a step, `check` the loss of each step

dense: the table of items is a parameter like all others, with a dense gradient and dense Adam. leaf: the
step's different rows are looked up outside autograd into a leaf tensor; its gradient goes back into the
table by Adam on these rows alone (lazy: moments of other rows stand still; one step count for all rows).
"""

import sys

import torch
import torch.nn.functional as F
from sasrec import Sasrec, load_file, sampled_softmax, save_file, serve, write_weights

CONFIG = {
    "block": "pre-norm", "items": 50_000, "dim": 64, "heads": 2, "blocks": 2, "hidden": 256, "length_max": 200,
    "norm_epsilon": 1e-8, "scale_embedding": False, "rows": 128, "negatives": 128, "mask_hits": False,
    "learning_rate": 1e-3, "betas": [0.9, 0.999], "epsilon": 1e-8,
}


def make(folder):
    write_weights(folder, CONFIG)
    random = torch.Generator().manual_seed(2)
    rows, length = CONFIG["rows"], CONFIG["length_max"]

    def ids(count):
        return torch.randint(CONFIG["items"], (count,), generator=random, dtype=torch.int32)

    batch = {
        "offsets": torch.arange(0, rows * length + 1, length, dtype=torch.int32),
        "inputs": ids(rows * length), "targets": ids(rows * length), "negatives": ids(CONFIG["negatives"]),
    }
    save_file(batch, f"{folder}/batch.safetensors")


class Step:
    """One batch, again and again."""

    def __init__(self, folder):
        self.model = Sasrec(folder)
        batch = load_file(f"{folder}/batch.safetensors")
        self.parts = [len(batch[name]) for name in ("inputs", "targets", "negatives")]
        self.ids = torch.cat([batch[name] for name in ("inputs", "targets", "negatives")]).long()
        self.losses = []

    def loss(self, rows):
        """From the looked-up rows of inputs, targets and negatives, in this order."""
        config = self.model.config
        inputs, targets, negatives = rows.split(self.parts)
        x = inputs.view(config["rows"], config["length_max"], config["dim"])
        loss = sampled_softmax(self.model.hidden(x).flatten(0, 1), targets, negatives)
        self.losses.append(loss.item())
        return loss


class Dense(Step):
    def __init__(self, folder):
        super().__init__(folder)
        self.table = self.model.items.requires_grad_()
        self.adam = self.model.adam([self.table, *self.model.weights.values()])

    def __call__(self):
        self.adam.zero_grad()
        self.loss(F.embedding(self.ids, self.table)).backward()
        self.adam.step()


class Leaf(Step):
    def __init__(self, folder):
        super().__init__(folder)
        self.table = self.model.items
        self.mean, self.square = torch.zeros_like(self.table), torch.zeros_like(self.table)
        self.steps = 0
        self.adam = self.model.adam(self.model.weights.values())

    def __call__(self):
        self.adam.zero_grad()
        touched, places = torch.unique(self.ids, return_inverse=True)
        leaf = self.table.index_select(0, touched).requires_grad_()
        self.loss(leaf.index_select(0, places)).backward()
        self.adam.step()
        self.lazy_adam(touched, leaf.grad)

    @torch.no_grad()
    def lazy_adam(self, touched, gradient):
        config = self.model.config
        (one, two), self.steps = config["betas"], self.steps + 1
        mean = self.mean.index_select(0, touched).lerp_(gradient, 1 - one)
        square = self.square.index_select(0, touched).mul_(two).addcmul_(gradient, gradient, value=1 - two)
        self.mean.index_copy_(0, touched, mean)
        self.square.index_copy_(0, touched, square)
        root = square.div_(1 - two**self.steps).sqrt_().add_(config["epsilon"])
        change = mean.div_(root).mul_(-config["learning_rate"] / (1 - one**self.steps))
        self.table.index_add_(0, touched, change)


def main(what, folder):
    if what == "make":
        make(folder)
        return
    step = {"leaf": Leaf, "dense": Dense}[what](folder)
    serve(step, lambda: step.losses, {"rows_touched": len(step.ids.unique())})


main(*sys.argv[1:])
