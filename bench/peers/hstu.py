"""What the HSTU peers share: the model in eager PyTorch, computed as the public research code does, and its weights.

Layers see real tokens alone; attention sees rows padded to `score_length`. Each block makes its own matrix
[rows, length, length] of buckets of time and of biases anew, and one of scores for each head, of which the
causal mask then sets half to 0. No dropout. Scores of items are cosines over the temperature. The file of
weights is what both sides begin from; the docstring of `write_weights` says what is in it.
"""

import json
import math

import torch
import torch.nn.functional as F
from sasrec import Model, save_file

BUCKETS, BUCKET_STEP, LENGTH_LEAST = 129, 0.301, 1e-6


def write_weights(folder, config):
    """`config.json` as given, and `weights.safetensors`, all f32, linear weights `[in, out]`.

    items [items, dim]; positions [length_max, dim]; and for each block i, as block.{i}.NAME:
    input.weight [dim, heads (2 value_width + 2 query_width)] (columns u, v, q, k; heads are consecutive groups
    of columns in each); position_bias [1, score_length]: entry score_length - 1 - d is of a key d tokens before
    its query; time_bias [1, 129]; output.weight [heads value_width, dim]; output.bias [1, dim].
    """
    random = torch.Generator().manual_seed(5)
    dim, heads, length = config["dim"], config["heads"], config["score_length"]
    pooled, projected = heads * config["value_width"], 2 * heads * (config["value_width"] + config["query_width"])

    def normal(rows, columns, deviation=0.02):
        return torch.randn(rows, columns, generator=random) * deviation

    weights = {"items": normal(config["items"], dim), "positions": normal(config["length_max"], dim, dim**-0.5)}
    for block in range(config["blocks"]):
        weights |= {
            f"block.{block}.input.weight": normal(dim, projected),
            f"block.{block}.position_bias": normal(1, length),
            f"block.{block}.time_bias": normal(1, BUCKETS),
            f"block.{block}.output.weight": normal(pooled, dim, (2 / (pooled + dim)) ** 0.5),
            f"block.{block}.output.bias": torch.zeros(1, dim),
        }
    save_file(weights, f"{folder}/weights.safetensors")
    with open(f"{folder}/config.json", "w") as file:
        json.dump(config, file, indent=2)


class Rows:
    """Where tokens lie in rows padded to `length`, and the padded times."""

    def __init__(self, offsets, length, happened_at, asked_at):
        lengths = offsets.diff()
        row = torch.arange(len(lengths)).repeat_interleave(lengths)
        self.count, self.length = len(lengths), length
        self.position = torch.arange(len(row)) - offsets[:-1].long().repeat_interleave(lengths)
        self.place = row * length + self.position
        self.happened_at, self.asked_at = self.pad(happened_at), self.pad(asked_at)

    def pad(self, x):
        """[tokens, ...] to [rows, length, ...], zeros where no token is."""
        padded = x.new_zeros(self.count * self.length, *x.shape[1:])
        return padded.index_copy(0, self.place, x).unflatten(0, (self.count, self.length))

    def real(self, padded):
        """[rows, length, columns] to [tokens, columns]."""
        return F.embedding(self.place, padded.flatten(0, 1))


class Hstu(Model):
    def __init__(self, folder):
        super().__init__(folder)
        length = self.config["score_length"]
        place = torch.arange(length)
        distance = (place[:, None] - place).clamp(min=0)
        self.of_distance = (length - 1 - distance).flatten()
        self.causal = (place[:, None] >= place).float()

    def hidden(self, x, rows):
        """From the items' rows [tokens, dim] to what the scores are made of."""
        w, config = self.weights, self.config
        heads, of_query, of_value = config["heads"], config["query_width"], config["value_width"]
        x = x * math.sqrt(config["dim"]) + F.embedding(rows.position, w["positions"])
        for block in range(config["blocks"]):
            name = f"block.{block}"
            uvqk = F.silu(F.linear(self.norm(x), w[f"{name}.input.weight"]))
            u, v, q, k = uvqk.split([heads * width for width in (of_value, of_value, of_query, of_query)], dim=1)
            q, k, v = (rows.pad(one).unflatten(2, (heads, -1)) for one in (q, k, v))
            scores = torch.einsum("bnhc,bmhc->bhnm", q, k) + self.bias(name, rows)[:, None]
            weights = F.silu(scores) / config["score_length"] * self.causal
            pooled = rows.real(torch.einsum("bhnm,bmhc->bnhc", weights, v).flatten(2))
            x = x + F.linear(u * self.norm(pooled), w[f"{name}.output.weight"], w[f"{name}.output.bias"])
        return unit(x)

    def bias(self, name, rows):
        """Of position and of time, [rows, length, length]."""
        length = self.config["score_length"]
        spans = rows.asked_at[:, :, None] - rows.happened_at[:, None, :]
        buckets = (spans.abs().clamp(min=1).log() / BUCKET_STEP).long().clamp(max=BUCKETS - 1)
        of_time = self.weights[f"{name}.time_bias"][0].index_select(0, buckets.flatten()).view(spans.shape)
        of_position = self.weights[f"{name}.position_bias"][0].index_select(0, self.of_distance)
        return of_time + of_position.view(length, length)

    def norm(self, x):
        return F.layer_norm(x, x.shape[1:], eps=self.config["norm_epsilon"])


def unit(x):
    """Rows of length 1."""
    return F.normalize(x, dim=-1, eps=LENGTH_LEAST)
