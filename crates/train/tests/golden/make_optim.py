"""Golden numbers for the optimisers: ten steps of each on seven parameters.

    pip install torch==2.15.0
    python3 make_optim.py > optim.json

Everything is PyTorch's own `torch.optim` on f32 (single-tensor form), except row-wise Adagrad,
which PyTorch does not have: there the update is FBGEMM's EXACT_ROWWISE_ADAGRAD, written out in
torch's f32 operations. The sparse cases are a table of 5 rows of 3 of which each step touches two.
"""
import json

import torch

STEPS, LENGTH, ROWS, WIDTH = 10, 7, 5, 3
torch.manual_seed(20261125)
start = torch.randn(LENGTH)
gradients = torch.randn(STEPS, LENGTH) * torch.logspace(-3, 1, LENGTH)
gradients[4] = 0.0  # a step without a gradient still moves Adam
table = torch.randn(ROWS, WIDTH)
touched = [sorted(torch.randperm(ROWS - 1)[:2].tolist()) for _ in range(STEPS)]  # row 4 never
row_gradients = torch.randn(STEPS, 2, WIDTH)


def numbers(tensor):
    return [float(value) for value in tensor.detach().flatten()]


def dense(make):
    parameter = torch.nn.Parameter(start.clone())
    optimizer = make([parameter])
    after = []
    for gradient in gradients:
        parameter.grad = gradient.clone()
        optimizer.step()
        after.append(numbers(parameter))
    return after


def sparse_adam(**settings):
    parameter = torch.nn.Parameter(table.clone())
    optimizer = torch.optim.SparseAdam([parameter], **settings)
    after = []
    for rows, gradient in zip(touched, row_gradients):
        parameter.grad = torch.sparse_coo_tensor(
            torch.tensor([rows]), gradient, (ROWS, WIDTH)
        ).coalesce()
        optimizer.step()
        after.append(numbers(parameter))
    return after


def rowwise_adagrad(rate, eps):
    parameter, squares = table.clone(), torch.zeros(ROWS)
    after = []
    for rows, gradient in zip(touched, row_gradients):
        squares[rows] += (gradient * gradient).mean(dim=1)
        parameter[rows] -= rate / (squares[rows].sqrt() + eps).unsqueeze(1) * gradient
        after.append(numbers(parameter))
    return after


def clipped(norm_max):
    parameters = [torch.nn.Parameter(torch.zeros(LENGTH)) for _ in range(3)]
    for parameter, gradient in zip(parameters, gradients):
        parameter.grad = gradient.clone()
    norm = torch.nn.utils.clip_grad_norm_(parameters, norm_max)
    return {"max": norm_max, "norm": float(norm), "after": [numbers(p.grad) for p in parameters]}


plain = {"foreach": False, "fused": False}
optim = torch.optim
golden = {
    "torch": torch.__version__.split("+")[0],
    "start": numbers(start),
    "gradients": [numbers(g) for g in gradients],
    "adam": dense(lambda p: optim.Adam(p, lr=0.01, **plain)),
    "adam_decay": dense(lambda p: optim.Adam(
        p, lr=0.02, betas=(0.9, 0.98), eps=1e-6, weight_decay=0.1, **plain)),
    "adam_w": dense(lambda p: optim.AdamW(
        p, lr=0.02, betas=(0.9, 0.98), eps=1e-6, weight_decay=0.1, **plain)),
    "adagrad": dense(lambda p: optim.Adagrad(p, lr=0.05, foreach=False, fused=False)),
    "adagrad_all": dense(lambda p: optim.Adagrad(
        p, lr=0.05, lr_decay=0.1, weight_decay=0.1, initial_accumulator_value=0.2, eps=1e-6,
        foreach=False, fused=False)),
    "table": numbers(table),
    "width": WIDTH,
    "touched": touched,
    "row_gradients": [numbers(g) for g in row_gradients],
    "sparse_adam": sparse_adam(lr=0.01, betas=(0.9, 0.98), eps=0.01),
    "rowwise_adagrad": rowwise_adagrad(0.05, 0.01),
    "clip": [clipped(1.0), clipped(1000.0)],
}
lines = [f"{json.dumps(name)}: {json.dumps(value)}" for name, value in golden.items()]
print("{\n" + ",\n".join(lines) + "\n}")
