"""What the peers of the training steps share: what becomes of the table of items, and the worker.

dense: the table of items is a parameter like all others, with a dense gradient and dense Adam. leaf: the
step's different rows are looked up outside autograd into a leaf tensor; its gradient goes back into the
table by Adam on these rows alone (lazy: moments of other rows stand still; one step count for all rows).
"""

import torch
import torch.nn.functional as F
from sasrec import load_file, serve


class Batch:
    """What a step is of: a model, and `ids` of inputs, targets and negatives, in this order."""

    def __init__(self, folder, model):
        self.model, self.given = model, load_file(f"{folder}/batch.safetensors")
        lists = [self.given[name] for name in ("inputs", "targets", "negatives")]
        self.parts, self.ids = list(map(len, lists)), torch.cat(lists).long()

    def loss(self, rows):
        """From the looked-up rows of `ids`."""
        raise NotImplementedError


class Step:
    """One batch, again and again."""

    def __init__(self, batch):
        self.batch, self.model, self.losses = batch, batch.model, []

    def loss(self, rows):
        loss = self.batch.loss(rows)
        self.losses.append(loss.item())
        return loss


class Dense(Step):
    def __init__(self, batch):
        super().__init__(batch)
        self.table = self.model.items.requires_grad_()
        self.adam = self.model.adam([self.table, *self.model.weights.values()])

    def __call__(self):
        self.adam.zero_grad()
        self.loss(F.embedding(self.batch.ids, self.table)).backward()
        self.adam.step()


class Leaf(Step):
    def __init__(self, batch):
        super().__init__(batch)
        self.table = self.model.items
        self.mean, self.square = torch.zeros_like(self.table), torch.zeros_like(self.table)
        self.steps = 0
        self.adam = self.model.adam(self.model.weights.values())

    def __call__(self):
        self.adam.zero_grad()
        touched, places = torch.unique(self.batch.ids, return_inverse=True)
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


def work(form, batch):
    """A worker; a `run` is a step, `check` the loss of each step."""
    step = {"leaf": Leaf, "dense": Dense}[form](batch)
    serve(step, lambda: step.losses, {"rows_touched": len(batch.ids.unique())})
