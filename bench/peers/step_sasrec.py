"""The peer of `bench/compare step-sasrec`: one training step of SASRec in eager PyTorch, 2 threads, f32.

    python3 step_sasrec.py make FOLDER            writes what both sides read
    python3 step_sasrec.py leaf|dense FOLDER      a worker; a `run` is a step, `check` the loss of each step

dense and leaf: see step.py.
"""

import sys

import torch
from sasrec import Sasrec, sampled_softmax, save_file, write_weights
from step import Batch, work

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


class Sequences(Batch):
    def loss(self, rows):
        config = self.model.config
        inputs, targets, negatives = rows.split(self.parts)
        x = inputs.view(config["rows"], config["length_max"], config["dim"])
        return sampled_softmax(self.model.hidden(x).flatten(0, 1), targets, negatives)


def main(what, folder):
    if what == "make":
        make(folder)
        return
    work(what, Sequences(folder, Sasrec(folder)))


main(*sys.argv[1:])
