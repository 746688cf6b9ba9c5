"""The peer of `bench/compare attention`: causal attention over padded rows in PyTorch, 2 threads, f32.

    python3 attention.py make FOLDER LENGTH SEQUENCES     writes what both sides read
    python3 attention.py run FOLDER LENGTH                a worker; a `run` is forward and backward

The rows are as long as 128 users of ML-1M have ratings, at most LENGTH, each padded at its end to LENGTH:
a real token then attends to no padding. torch's fused kernel; q, k, v and the gradient from above lie
padded, head by head, before the clock starts: the generous choice for this side.
"""

import gzip
import json
import sys

import torch
import torch.nn.functional as F
from sasrec import load_file, save_file, serve

USERS, HEADS, WIDTH = 128, 2, 32


def make(folder, length, sequences):
    with gzip.open(sequences, "rt") as lines:
        lengths = torch.tensor([len(line.split()) - 1 for line in lines])
    random = torch.Generator().manual_seed(4)
    users = torch.randperm(len(lengths), generator=random)[:USERS]
    offsets = torch.cat([torch.zeros(1, dtype=torch.long), lengths[users].clamp(max=length).cumsum(0)])
    rows = {
        name: torch.randn(int(offsets[-1]), HEADS * WIDTH, generator=random)
        for name in ("query", "key", "value", "gradient")
    }
    save_file({"offsets": offsets.to(torch.int32), **rows}, f"{folder}/attention.safetensors")
    with open(f"{folder}/config.json", "w") as file:
        json.dump({"heads": HEADS, "length_max": length}, file)


class Attention:
    def __init__(self, folder, length):
        given = load_file(f"{folder}/attention.safetensors")
        lengths = given["offsets"].diff().tolist()
        self.real = torch.zeros(USERS, length, dtype=torch.bool)
        for row, count in enumerate(lengths):
            self.real[row, :count] = True
        self.facts = {
            "tokens": sum(lengths), "bound": USERS * length**2 / sum(count**2 for count in lengths),
        }
        self.gradient = self.pad(given["gradient"])
        self.inputs = [self.pad(given[name]).requires_grad_() for name in ("query", "key", "value")]
        self.output = None

    def pad(self, jagged):
        """[tokens, heads x width] to [users, heads, length, width]."""
        padded = torch.zeros(*self.real.shape, jagged.shape[1])
        padded[self.real] = jagged
        return padded.view(*self.real.shape, HEADS, WIDTH).transpose(1, 2).contiguous()

    def __call__(self):
        for one in self.inputs:
            one.grad = None
        self.output = F.scaled_dot_product_attention(*self.inputs, is_causal=True)
        self.output.backward(self.gradient)

    def check(self):
        """Of the output and of three gradients: sum, sum of squares, and dot with the gradient from above.

        The last one knows where each number stands. In f64, over real tokens.
        """

        def real(padded):
            return padded.detach().transpose(1, 2)[self.real].double()

        above = real(self.gradient)
        query, key, value = (one.grad for one in self.inputs)
        numbers = {"output": self.output, "query": query, "key": key, "value": value}
        return {
            name: [float(found.sum()), float((found * found).sum()), float((found * above).sum())]
            for name, found in ((name, real(one)) for name, one in numbers.items())
        }


def main(what, folder, length, sequences=None):
    if what == "make":
        make(folder, int(length), sequences)
        return
    attention = Attention(folder, int(length))
    serve(attention, attention.check, attention.facts)


main(*sys.argv[1:])
