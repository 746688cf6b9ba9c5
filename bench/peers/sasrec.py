"""What the SASRec peers share: the model in eager PyTorch, its first weights, and talking in lines.

Pre-norm blocks, no dropout, scores tied to the table of items, the sampled softmax over shared negatives.
The file of weights is what both sides begin from; the docstring of `write_weights` says what is in it.
Other peers in PyTorch take from here what is not SASRec's alone.
"""

import json
import os
import sys
import time

THREADS = 2
os.environ["OMP_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = str(THREADS)

import torch  # noqa: E402
import torch.nn.functional as F  # noqa: E402
from safetensors.torch import load_file, save_file  # noqa: E402

torch.set_num_threads(THREADS)


def write_weights(folder, config):
    """`config.json` as given, and `weights.safetensors`, all f32, linear weights `[in, out]`.

    items [items, dim]; positions [length_max, dim]; norm.weight, norm.bias [dim]; and for each block i, as
    block.{i}.NAME.weight and .bias: attention.norm, feed_forward.norm [dim]; attention.input [dim, 3 dim]
    (columns q, k, v; heads are consecutive groups of columns in each); attention.output [dim, dim];
    feed_forward.up [dim, hidden]; feed_forward.down [hidden, dim].
    """
    random = torch.Generator().manual_seed(1)
    dim, hidden = config["dim"], config["hidden"]

    def normal(*shape):
        return torch.randn(shape, generator=random) * 0.02

    weights = {"items": normal(config["items"], dim), "positions": normal(config["length_max"], dim)}
    norms, linears = ["norm"], {}
    for block in range(config["blocks"]):
        attention, feed_forward = f"block.{block}.attention", f"block.{block}.feed_forward"
        norms += [f"{attention}.norm", f"{feed_forward}.norm"]
        linears |= {
            f"{attention}.input": (dim, 3 * dim), f"{attention}.output": (dim, dim),
            f"{feed_forward}.up": (dim, hidden), f"{feed_forward}.down": (hidden, dim),
        }
    for name in norms:
        weights |= {f"{name}.weight": torch.ones(dim), f"{name}.bias": torch.zeros(dim)}
    for name, shape in linears.items():
        weights |= {f"{name}.weight": normal(*shape), f"{name}.bias": torch.zeros(shape[1])}
    save_file(weights, f"{folder}/weights.safetensors")
    with open(f"{folder}/config.json", "w") as file:
        json.dump(config, file, indent=2)


class Model:
    """Weights as torch keeps them (`[out, in]`), the table of items apart from them, and Adam."""

    def __init__(self, folder):
        with open(f"{folder}/config.json") as file:
            self.config = json.load(file)
        weights = load_file(f"{folder}/weights.safetensors")
        self.items = weights.pop("items")
        self.weights = {
            name: (value.T.contiguous() if name.endswith("weight") and value.dim() == 2 else value).requires_grad_()
            for name, value in weights.items()
        }

    def adam(self, parameters):
        config = self.config
        # `fused` is the fastest of torch's three on this processor: the generous choice.
        return torch.optim.Adam(
            parameters, lr=config["learning_rate"], betas=config["betas"], eps=config["epsilon"], fused=True
        )


class Sasrec(Model):
    """The forward pass over padded rows."""

    def hidden(self, x):
        """From the items' rows [rows, length, dim] to what the scores are made of."""
        w, config = self.weights, self.config
        rows, length, dim = x.shape
        x = x + w["positions"][:length]
        for block in range(config["blocks"]):
            attention, feed_forward = f"block.{block}.attention", f"block.{block}.feed_forward"
            z = self.linear(f"{attention}.input", self.norm(f"{attention}.norm", x))
            heads = z.view(rows, length, 3, config["heads"], dim // config["heads"])
            q, k, v = heads.permute(2, 0, 3, 1, 4).unbind(0)
            a = F.scaled_dot_product_attention(q, k, v, is_causal=True)
            x = x + self.linear(f"{attention}.output", a.transpose(1, 2).reshape(rows, length, dim))
            z = self.norm(f"{feed_forward}.norm", x)
            x = x + self.linear(f"{feed_forward}.down", F.relu(self.linear(f"{feed_forward}.up", z)))
        return self.norm("norm", x)

    def linear(self, name, x):
        return F.linear(x, self.weights[f"{name}.weight"], self.weights[f"{name}.bias"])

    def norm(self, name, x):
        weight, bias = self.weights[f"{name}.weight"], self.weights[f"{name}.bias"]
        return F.layer_norm(x, weight.shape, weight, bias, self.config["norm_epsilon"])


def sampled_softmax(hidden, targets, negatives, hits=None):
    """Mean over tokens; `hits` [tokens, negatives]: the negatives that are the token's target, left out."""
    positive = (hidden * targets).sum(dim=1, keepdim=True)
    negative = hidden @ negatives.T
    if hits is not None:
        negative = negative.masked_fill(hits, -torch.inf)
    nothing = torch.zeros(len(hidden), dtype=torch.long)
    return F.cross_entropy(torch.cat([positive, negative], dim=1), nothing)


def serve(work, check, facts):
    """The line protocol of harness/worker.py; `work` is what is timed."""
    print(json.dumps({"ready": True, "facts": {"torch": torch.__version__, "threads": THREADS, **facts}}), flush=True)
    for line in sys.stdin:
        match line.strip():
            case "run":
                begin = time.perf_counter()
                work()
                print(json.dumps({"seconds": time.perf_counter() - begin, "facts": {}}), flush=True)
            case "check":
                print(json.dumps({"check": check()}), flush=True)
            case _:
                break
