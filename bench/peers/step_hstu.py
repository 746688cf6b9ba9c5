"""The peer of `bench/compare step-hstu`: one training step of HSTU in eager PyTorch, 2 threads, f32.

    python3 step_hstu.py make FOLDER            writes what both sides read
    python3 step_hstu.py leaf|dense FOLDER      a worker; a `run` is a step, `check` the loss of each step

dense and leaf: see step.py.
"""

import math
import sys

import torch
from hstu import Hstu, Rows, unit, write_weights
from sasrec import sampled_softmax, save_file
from step import Batch, work

CONFIG = {
    "weighting": "silu", "items": 50_000, "dim": 64, "blocks": 2, "heads": 2, "query_width": 32, "value_width": 32,
    "length_max": 200, "score_length": 200, "norm_epsilon": 1e-6, "temperature": 0.05, "rows": 128,
    "negatives": 128, "mask_hits": False, "learning_rate": 1e-3, "betas": [0.9, 0.98], "epsilon": 1e-8,
}
# Seconds from one event to the next: as likely seconds as days, at most a month.
BEGIN, GAP_MOST = 978_300_000, 30 * 86_400


def make(folder):
    write_weights(folder, CONFIG)
    random = torch.Generator().manual_seed(6)
    rows, length = CONFIG["rows"], CONFIG["length_max"]

    def ids(count):
        return torch.randint(CONFIG["items"], (count,), generator=random, dtype=torch.int32)

    share = torch.rand(rows, length + 1, generator=random, dtype=torch.float64)
    times = BEGIN + (share * math.log(GAP_MOST)).expm1().long().cumsum(1)
    batch = {
        "offsets": torch.arange(0, rows * length + 1, length, dtype=torch.int32),
        "inputs": ids(rows * length), "targets": ids(rows * length), "negatives": ids(CONFIG["negatives"]),
        "happened_at": times[:, :-1].flatten(), "asked_at": times[:, 1:].flatten(),
    }
    save_file(batch, f"{folder}/batch.safetensors")


class Histories(Batch):
    def __init__(self, folder, model):
        super().__init__(folder, model)
        times = self.given["happened_at"], self.given["asked_at"]
        self.rows = Rows(self.given["offsets"], model.config["score_length"], *times)

    def loss(self, rows):
        inputs, targets, negatives = rows.split(self.parts)
        hidden = self.model.hidden(inputs, self.rows) / self.model.config["temperature"]
        return sampled_softmax(hidden, unit(targets), unit(negatives))


def main(what, folder):
    if what == "make":
        make(folder)
        return
    work(what, Histories(folder, Hstu(folder)))


main(*sys.argv[1:])
