"""The peer of `bench/compare epoch-hstu-ml1m`: an epoch of HSTU on ML-1M, eager PyTorch, 2 threads, f32.

    python3 epoch_hstu.py make FOLDER RATINGS     writes what both sides read
    python3 epoch_hstu.py train FOLDER            a worker; a `run` is an epoch, `check` each epoch's loss

RATINGS is ML-1M's ratings_chronological_approx_ts.csv.gz. Attention pads every batch to 211, as the public
research code does. That code draws negatives in each step, and sets every row that it looks up for them to
length 1; here they are drawn, and rows padded, before the clock starts, and the table is set to length 1 once a
step: the generous choices for this side.
"""

import csv
import gzip
import sys

import torch
import torch.nn.functional as F
from hstu import Hstu, Rows, unit, write_weights
from sasrec import load_file, save_file, serve

CONFIG = {
    # All movies of the public catalogue, from which negatives are drawn; 3,416 of them are in the ratings.
    "weighting": "silu", "items": 3_883, "dim": 50, "blocks": 2, "heads": 1, "query_width": 50, "value_width": 50,
    "length_max": 200, "score_length": 211, "norm_epsilon": 1e-6, "temperature": 0.05, "rows": 128,
    "negatives": 128, "mask_hits": True, "learning_rate": 1e-3, "betas": [0.9, 0.98], "epsilon": 1e-8,
}


def make(folder, ratings):
    write_weights(folder, CONFIG)
    index, users = {}, {}
    with gzip.open(ratings, "rt") as lines:
        for line in csv.DictReader(lines):
            # Of a user, the movies and when they were rated; movies are numbered by first appearance.
            movies, times = users.setdefault(line["user_id"], ([], []))
            movies.append(index.setdefault(line["movie_id"], len(index)))
            times.append(int(line["timestamp"]))
    random = torch.Generator().manual_seed(7)
    rows = list(users.values())
    rows = [rows[user] for user in torch.randperm(len(rows), generator=random).tolist()]
    longest = CONFIG["length_max"]

    def flat(lists, dtype):
        return torch.tensor([one for some in lists for one in some[-longest:]], dtype=dtype)

    lengths = torch.tensor([0, *(min(len(movies) - 1, longest) for movies, _ in rows)])
    epoch = {
        "offsets": lengths.cumsum(0).to(torch.int32),
        "inputs": flat((movies[:-1] for movies, _ in rows), torch.int32),
        "targets": flat((movies[1:] for movies, _ in rows), torch.int32),
        "happened_at": flat((times[:-1] for _, times in rows), torch.int64),
        "asked_at": flat((times[1:] for _, times in rows), torch.int64),
        "negatives": torch.randint(
            CONFIG["items"], (CONFIG["rows"] * longest, CONFIG["negatives"]), generator=random, dtype=torch.int32
        ),
    }
    save_file(epoch, f"{folder}/epoch.safetensors")


class Epoch:
    """The same batches in the same order, epoch after epoch."""

    def __init__(self, folder):
        self.model = Hstu(folder)
        self.table = self.model.items.requires_grad_()
        self.adam = self.model.adam([self.table, *self.model.weights.values()])
        self.losses, self.batches = [], []
        config, epoch = self.model.config, load_file(f"{folder}/epoch.safetensors")
        offsets, self.negatives = epoch["offsets"], epoch["negatives"].long()
        self.tokens = int(offsets[-1])
        for begin in range(0, len(offsets) - 1, config["rows"]):
            bounds = offsets[begin : begin + config["rows"] + 1]
            of = slice(bounds[0], bounds[-1])
            times = epoch["happened_at"][of], epoch["asked_at"][of]
            rows = Rows(bounds - bounds[0], config["score_length"], *times)
            self.batches.append((rows, epoch["inputs"][of].long(), epoch["targets"][of].long()))

    def __call__(self):
        self.losses.append(sum(map(self.step, self.batches)) / len(self.batches))

    def step(self, batch):
        rows, inputs, targets = batch
        self.adam.zero_grad()
        hidden = self.model.hidden(F.embedding(inputs, self.table), rows)
        loss = self.sampled_softmax(hidden, targets, self.negatives[: len(targets)])
        loss.backward()
        self.adam.step()
        return loss.item()

    def sampled_softmax(self, hidden, targets, negatives):
        """A list of negatives for each token; those that are its target are left out."""
        items = unit(self.table)
        positive = (hidden * F.embedding(targets, items)).sum(dim=1, keepdim=True)
        negative = torch.einsum("tc,tnc->tn", hidden, F.embedding(negatives, items))
        negative = negative.masked_fill(negatives == targets[:, None], -torch.inf)
        scores = torch.cat([positive, negative], dim=1) / self.model.config["temperature"]
        return F.cross_entropy(scores, torch.zeros_like(targets))


def main(what, folder, ratings=None):
    if what == "make":
        make(folder, ratings)
        return
    epoch = Epoch(folder)
    padded = sum(rows.count * rows.length for rows, *_ in epoch.batches)
    facts = {"tokens": epoch.tokens, "tokens_padded": padded, "batches": len(epoch.batches)}
    serve(epoch, lambda: epoch.losses, facts)


main(*sys.argv[1:])
