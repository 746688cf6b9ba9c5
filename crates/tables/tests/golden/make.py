"""Golden numbers of pooled look-ups and of optimisers, written to tables.json beside this file.

    python make.py          # needs torch

Look-ups are torch.nn.functional.embedding_bag. SGD, Adagrad and Adam are torch.optim's on the dense
gradient of rows that every step touches, where sparse and dense are the same; row-wise Adagrad is the formula of
FBGEMM's documentation, written here in torch, as no wheel of it fits this torch.
"""

import json
import pathlib

import torch

torch.manual_seed(3)
ROWS, WIDTH, STEPS = 6, 4, 4
BAGS = [[0, 1, 2, 3, 4, 5], [5, 5, 1], [], [0, 2, 2, 4]]
offsets = torch.tensor([0] + [len(bag) for bag in BAGS[:-1]]).cumsum(0)
ids = torch.tensor([id for bag in BAGS for id in bag])
begin = torch.randn(ROWS, WIDTH) * 0.5
gradients = [torch.randn(len(BAGS), WIDTH) for _ in range(STEPS)]


def bags(table, mode, weights=None):
    return torch.nn.functional.embedding_bag(ids, table, offsets, mode=mode, per_sample_weights=weights)


def trained(mode, make):
    table = begin.clone().requires_grad_()
    optimiser = make([table])
    for gradient in gradients:
        optimiser.zero_grad()
        bags(table, mode).backward(gradient)
        optimiser.step()
    return table.detach()


def row_wise_adagrad(mode):
    table, state = begin.clone().requires_grad_(), torch.zeros(ROWS)
    for gradient in gradients:
        (g,) = torch.autograd.grad(bags(table, mode), table, gradient)
        state += (g * g).mean(1)
        step = 0.1 / (state.sqrt() + 1e-8)
        table = (table.detach() - step[:, None] * g).requires_grad_()
    return table.detach()


weights = torch.rand(len(ids)) + 0.5
out = {
    "versions": {"torch": torch.__version__},
    "bags": BAGS,
    "begin": begin.tolist(),
    "gradients": [gradient.tolist() for gradient in gradients],
    "weights": weights.tolist(),
    "sum": bags(begin, "sum").tolist(),
    "mean": bags(begin, "mean").tolist(),
    "weighted": bags(begin, "sum", weights).tolist(),
    "trained": {
        f"{name}-{mode}": result.tolist()
        for mode in ("sum", "mean")
        for name, result in {
            "sgd": trained(mode, lambda p: torch.optim.SGD(p, lr=0.1)),
            "adagrad": trained(mode, lambda p: torch.optim.Adagrad(p, lr=0.1, eps=1e-8)),
            "adam": trained(mode, lambda p: torch.optim.AdamW(p, lr=0.1, betas=(0.9, 0.99), eps=1e-8, weight_decay=0.1)),
            "row-wise-adagrad": row_wise_adagrad(mode),
        }.items()
    },
}
path = pathlib.Path(__file__).with_name("tables.json")
path.write_text(json.dumps(out, indent=1) + "\n")
print(path)
