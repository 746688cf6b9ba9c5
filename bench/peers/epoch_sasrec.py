"""The peer of `bench/compare epoch-sasrec-ml1m`: an epoch of SASRec on ML-1M, eager PyTorch, 2 threads, f32.

    python3 epoch_sasrec.py make FOLDER SEQUENCES     writes what both sides read
    python3 epoch_sasrec.py train FOLDER              a worker; a `run` is an epoch, `check` each epoch's loss

SEQUENCES is ML-1M's sequences_chronological.txt.gz. Rows are padded at their end to 200, so that causal
attention lets no real token see padding; the loss takes real tokens only. Padding the batches is done
before the clock starts: the generous choice for this side.
"""

import gzip
import sys

import torch
import torch.nn.functional as F
from sasrec import Sasrec, load_file, sampled_softmax, save_file, serve, write_weights

CONFIG = {
    # All movies that ML-1M has; 3,416 of them are in the sequences.
    "block": "pre-norm", "items": 3_706, "dim": 64, "heads": 2, "blocks": 2, "hidden": 256, "length_max": 200,
    "norm_epsilon": 1e-8, "scale_embedding": False, "rows": 128, "negatives": 128, "mask_hits": True,
    "learning_rate": 1e-3, "betas": [0.9, 0.999], "epsilon": 1e-8,
}


def make(folder, sequences):
    write_weights(folder, CONFIG)
    index, rows = {}, []
    with gzip.open(sequences, "rt") as lines:
        for line in lines:
            # A user and the movies; movies are numbered by first appearance.
            rows.append([index.setdefault(movie, len(index)) for movie in line.split()[1:]])
    random = torch.Generator().manual_seed(3)
    order = torch.randperm(len(rows), generator=random).tolist()
    longest = CONFIG["length_max"]
    inputs = [rows[user][:-1][-longest:] for user in order]
    targets = [rows[user][1:][-longest:] for user in order]
    batches = -(-len(rows) // CONFIG["rows"])
    lengths = torch.tensor([0, *map(len, inputs)])

    def flat(lists):
        return torch.tensor([item for one in lists for item in one], dtype=torch.int32)

    epoch = {
        "offsets": lengths.cumsum(0).to(torch.int32), "inputs": flat(inputs), "targets": flat(targets),
        "negatives": torch.randint(
            CONFIG["items"], (batches, CONFIG["negatives"]), generator=random, dtype=torch.int32
        ),
    }
    save_file(epoch, f"{folder}/epoch.safetensors")


class Epoch:
    """The same batches in the same order, epoch after epoch."""

    def __init__(self, folder):
        self.model = Sasrec(folder)
        self.table = self.model.items.requires_grad_()
        self.adam = self.model.adam([self.table, *self.model.weights.values()])
        self.losses = []
        config, epoch = self.model.config, load_file(f"{folder}/epoch.safetensors")
        offsets, length = epoch["offsets"].tolist(), config["length_max"]
        self.tokens, self.batches = offsets[-1], []
        for batch, begin in enumerate(range(0, len(offsets) - 1, config["rows"])):
            bounds = offsets[begin : begin + config["rows"] + 1]
            inputs = torch.zeros(len(bounds) - 1, length, dtype=torch.long)
            real = torch.zeros(len(bounds) - 1, length, dtype=torch.bool)
            for row, (first, end) in enumerate(zip(bounds, bounds[1:])):
                inputs[row, : end - first] = epoch["inputs"][first:end]
                real[row, : end - first] = True
            targets = epoch["targets"][bounds[0] : bounds[-1]].long()
            self.batches.append((inputs, real.flatten().nonzero()[:, 0], targets, epoch["negatives"][batch].long()))

    def __call__(self):
        self.losses.append(sum(map(self.step, self.batches)) / len(self.batches))

    def step(self, batch):
        inputs, real, targets, negatives = batch
        self.adam.zero_grad()
        ids = torch.cat([inputs.flatten(), targets, negatives])
        x, wanted, other = F.embedding(ids, self.table).split([inputs.numel(), len(targets), len(negatives)])
        hidden = self.model.hidden(x.view(*inputs.shape, -1)).flatten(0, 1).index_select(0, real)
        hits = targets[:, None] == negatives if self.model.config["mask_hits"] else None
        loss = sampled_softmax(hidden, wanted, other, hits)
        loss.backward()
        self.adam.step()
        return loss.item()


def main(what, folder, sequences=None):
    if what == "make":
        make(folder, sequences)
        return
    epoch = Epoch(folder)
    padded = sum(inputs.numel() for inputs, *_ in epoch.batches)
    facts = {"tokens": epoch.tokens, "tokens_padded": padded, "batches": len(epoch.batches)}
    serve(epoch, lambda: epoch.losses, facts)


main(*sys.argv[1:])
