"""Golden numbers for the models and losses of this crate, computed by PyTorch in float64 on the CPU.

    python -m venv venv && venv/bin/pip install -r ../../../../bench/requirements-torch.txt
    venv/bin/python make.py

The same torch version writes the same bytes. Parameters are drawn, rounded to f32 and stored; everything
else is computed from the rounded numbers in f64 and rounded to f32 where it lies in a safetensors file,
written in full where it lies in JSON. The attention by hand below must equal torch.nn.MultiheadAttention,
and the pre-norm model torch.nn.TransformerEncoderLayer, or the script stops.

For each model, `classic`, `pre-norm` and `ligr`:

NAME.json
    config      block (= NAME), items, dim, heads, blocks, hidden, length_max, norm_epsilon, scale_embedding
    offsets     [rows + 1]: row b is the tokens offsets[b]..offsets[b + 1]; 4 rows of 5, 1, 12 and 3 tokens
    inputs      [tokens] item ids
    targets     [tokens] item ids, what comes next
    negatives   [5] item ids, shared by all tokens; one of them is the target of some tokens
    masked      [[token, place in negatives]]: those hits, for people
    loss        sampled softmax, see below
    adam        {learning_rate, betas, epsilon}
    adam_losses [10]: the loss that each of ten steps on this batch computes before it changes anything, so
                that the first equals `loss`. Every parameter is dense, `items` too; nothing decays
    adam_loss_after: the loss after the tenth step
NAME.safetensors, all f32
    parameter.P     every parameter, by its name P (list below)
    gradient.P      of `loss`, the same shape. For `items` that is both ways together: as input and as scores
    hidden          [tokens, dim], after the last LayerNorm

losses.json
    offsets, targets, k, t, and per loss NAME of the list below: losses.NAME = {loss, and the ids it needs}
losses.safetensors, all f32
    hidden [tokens, dim], items [23, dim]   the pre-norm model's, here independent of each other
    log_q [23]                              natural logarithm of the sampling probability of each item
    NAME.token [tokens]                     loss of each token; NAME's loss is their mean
    NAME.gradient.hidden, NAME.gradient.items

Parameters. A linear layer is y = x W + b with W `[in, out]` (the transpose of torch's).
    items [23, dim]; positions [length_max, dim]; norm.weight, norm.bias [dim]: the last LayerNorm
    block.{i}.attention.norm.*, block.{i}.feed_forward.norm.*                        [dim]
    classic:        block.{i}.attention.query.* [dim, dim], .key_value.* [dim, 2 dim]: columns k, then v
    pre-norm, ligr: block.{i}.attention.input.* [dim, 3 dim]: columns q, k, v
    block.{i}.attention.output.* [dim, dim]
    block.{i}.feed_forward.up.*  [dim, hidden], .down.* [hidden, dim]
    ligr:           block.{i}.attention.gate.*, block.{i}.feed_forward.gate.* [dim, dim]
                    block.{i}.feed_forward.up.weight [dim, 2 hidden]: columns of Wa, then of Wb; .down.weight;
                    neither has a bias
    Heads are consecutive groups of dim / heads columns inside q, k and v.

Models. x = items[id] (times sqrt(dim) if scale_embedding) + positions[p], p counted from 0 at the start of
the row. MHA is causal, scores over sqrt(dim / heads), with output projection. Then, block after block,
    classic     q = LN1(x); a = MHA(query from q; key, value from x); y = LN2(q + a); out = y + FFN(y)
    pre-norm    y = x + MHA(LN1 x); out = y + FFN(LN2 y)
    ligr        y = x + sigmoid(x Wg1 + bg1) * MHA(LN1 x); out = y + sigmoid(y Wg2 + bg2) * SwiGLU(LN2 y)
    FFN(z) = relu(z W_up + b_up) W_down + b_down;  SwiGLU(z) = (silu(z Wa) * (z Wb)) W_down
and the last LayerNorm. LayerNorm: (x - mean) / sqrt(variance + norm_epsilon), the variance over dim, not dim - 1.
Keys' biases shift all scores of a query alike: their gradient is 0 but for rounding, whatever they are.

Losses. Score s_i = h . items[i]; p the target; every loss is the mean over tokens. A negative that equals
the token's target is masked (left out) wherever lists are shared.
    softmax-full            -s_p + log sum over all 23 items of e^s
    softmax-shared          -s_p + log(e^{s_p} + sum over negatives of e^s): the loss of the models
    softmax-per-row         the same, `negatives` [rows][5]: a list for each row
    gbce                    -(beta log sigmoid(s_p) + sum of log(1 - sigmoid(s_n))) / (k + 1), `negatives`
                            [tokens][k], alpha = k / (items - 1), beta = alpha (t (1 - 1 / alpha) + 1 / alpha);
                            no negative equals its target here
    bce                     -log sigmoid(s_p) - log(1 - sigmoid(s_n)), not halved; `negatives` [tokens]; no hit
    logq-standard           softmax-shared with s - log q for the target and the negatives
    logq-negatives-only     softmax-shared with s - log(n q) for the negatives; the target as it is. n = 5 is
                            the number drawn, masked ones too: that is what makes the sum over the others an
                            unbiased estimate of the sum over all items but p
    logq-corrected          Khrylchenko et al. 2025: w (-s_p + log sum over negatives of e^{s_j - log Q'_j}),
                            Q'_j = q_j / (1 - q_p), no gradient through w = 1 - e^{s_p} / (e^{s_p} + (1 / n)
                            sum e^{s_j - log Q'_j}). Here n counts what is left after masking, because Q' is
                            the probability of j among the items that are not p
"""

import json
import math
import pathlib

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.numpy import save_file

HERE = pathlib.Path(__file__).resolve().parent
ITEMS, DIM, HEADS, BLOCKS, HIDDEN, LENGTH_MAX, EPSILON = 23, 8, 2, 2, 16, 12, 1e-8
LENGTHS = [5, 1, 12, 3]
NEGATIVES, T = 5, 0.75
LEARNING_RATE, BETAS, ADAM_EPSILON, STEPS = 0.01, (0.9, 0.999), 1e-8, 10
SCALED = {"classic": True, "pre-norm": False, "ligr": False}
OFFSETS = np.cumsum([0, *LENGTHS]).tolist()
TOKENS = OFFSETS[-1]

torch.set_num_threads(1)  # the order of sums, and with it the bytes


# The batch: histories with items that come back, so that gradients of one item have to be added up.
random = np.random.default_rng(2018)
histories = [random.integers(0, ITEMS, length + 1) for length in LENGTHS]
inputs = torch.from_numpy(np.concatenate([history[:-1] for history in histories]))
targets = torch.from_numpy(np.concatenate([history[1:] for history in histories]))


def draw(count, hit=None, avoid=()):
    """Different items; `hit` is one of them, in the middle, and none of `avoid`."""
    allowed = [item for item in range(ITEMS) if item != hit and item not in avoid]
    drawn = random.choice(allowed, count, replace=False).tolist()
    if hit is not None:
        drawn[count // 2] = int(hit)
    return drawn


shared = draw(NEGATIVES, hit=targets[OFFSETS[2] + 4])
per_row = [draw(NEGATIVES), draw(NEGATIVES), draw(NEGATIVES, hit=targets[OFFSETS[2]]), draw(NEGATIVES)]
per_token = [draw(NEGATIVES, avoid=[target]) for target in targets.tolist()]
one_a_token = [draw(1, avoid=[target])[0] for target in targets.tolist()]
popularity = random.permutation(1 / np.arange(1, ITEMS + 1))
log_q = torch.from_numpy(np.log(popularity / popularity.sum()).astype(np.float32)).double()


def parameters(model):
    """Shapes in a fixed order, drawn, rounded to f32, as f64."""
    shapes = {"items": (ITEMS, DIM), "positions": (LENGTH_MAX, DIM)}

    def linear(name, rows, columns, bias=True):
        shapes[f"{name}.weight"] = (rows, columns)
        if bias:
            shapes[f"{name}.bias"] = (columns,)

    def norm(name):
        shapes[f"{name}.weight"] = shapes[f"{name}.bias"] = (DIM,)

    for block in range(BLOCKS):
        attention, feed_forward = f"block.{block}.attention", f"block.{block}.feed_forward"
        gated = model == "ligr"
        norm(f"{attention}.norm")
        if model == "classic":
            linear(f"{attention}.query", DIM, DIM)
            linear(f"{attention}.key_value", DIM, 2 * DIM)
        else:
            linear(f"{attention}.input", DIM, 3 * DIM)
        linear(f"{attention}.output", DIM, DIM)
        norm(f"{feed_forward}.norm")
        linear(f"{feed_forward}.up", DIM, 2 * HIDDEN if gated else HIDDEN, bias=not gated)
        linear(f"{feed_forward}.down", HIDDEN, DIM, bias=not gated)
        if gated:
            linear(f"{attention}.gate", DIM, DIM)
            linear(f"{feed_forward}.gate", DIM, DIM)
    norm("norm")
    drawn = {}
    for name, shape in shapes.items():
        values = random.normal(scale=0.3, size=shape)
        if name.endswith("norm.weight"):
            values = 1 + values / 2
        drawn[name] = torch.from_numpy(values.astype(np.float32)).double().requires_grad_()
    return drawn


class Model:
    """Row after row, nothing padded."""

    def __init__(self, name, parameters, attention):
        self.name, self.parameters, self.attention = name, parameters, attention

    def linear(self, name, x):
        y = x @ self.parameters[f"{name}.weight"]
        bias = self.parameters.get(f"{name}.bias")
        return y if bias is None else y + bias

    def norm(self, name, x):
        return F.layer_norm(x, (DIM,), self.parameters[f"{name}.weight"], self.parameters[f"{name}.bias"], EPSILON)

    def hidden(self):
        rows = []
        for begin, end in zip(OFFSETS, OFFSETS[1:]):
            x = self.parameters["items"][inputs[begin:end]] * (math.sqrt(DIM) if SCALED[self.name] else 1)
            x = x + self.parameters["positions"][: end - begin]
            for block in range(BLOCKS):
                x = BLOCK[self.name](self, f"block.{block}", x)
            rows.append(self.norm("norm", x))
        return torch.cat(rows)

    def loss(self):
        return softmax_shared(self.hidden(), self.parameters["items"]).mean()


def classic(model, block, x):
    q = model.norm(f"{block}.attention.norm", x)
    y = model.norm(f"{block}.feed_forward.norm", q + model.attention(model, f"{block}.attention", q, x))
    return y + relu_feed_forward(model, f"{block}.feed_forward", y)


def pre_norm(model, block, x):
    z = model.norm(f"{block}.attention.norm", x)
    y = x + model.attention(model, f"{block}.attention", z, z)
    return y + relu_feed_forward(model, f"{block}.feed_forward", model.norm(f"{block}.feed_forward.norm", y))


def ligr(model, block, x):
    z = model.norm(f"{block}.attention.norm", x)
    gate = torch.sigmoid(model.linear(f"{block}.attention.gate", x))
    y = x + gate * model.attention(model, f"{block}.attention", z, z)
    a, b = model.linear(f"{block}.feed_forward.up", model.norm(f"{block}.feed_forward.norm", y)).chunk(2, dim=-1)
    gate = torch.sigmoid(model.linear(f"{block}.feed_forward.gate", y))
    return y + gate * model.linear(f"{block}.feed_forward.down", F.silu(a) * b)


BLOCK = {"classic": classic, "pre-norm": pre_norm, "ligr": ligr}


def relu_feed_forward(model, name, x):
    return model.linear(f"{name}.down", F.relu(model.linear(f"{name}.up", x)))


def projections(model, name):
    """Weights `[in, out]` and biases of q, k and v."""
    if model.name == "classic":
        parts = [f"{name}.query", f"{name}.key_value"]
    else:
        parts = [f"{name}.input"]
    weight = torch.cat([model.parameters[f"{part}.weight"] for part in parts], dim=1)
    bias = torch.cat([model.parameters[f"{part}.bias"] for part in parts])
    return weight.chunk(3, dim=1), bias.chunk(3)


def attention_by_hand(model, name, of_query, of_key):
    weights, biases = projections(model, name)
    q, k, v = (x @ weight + bias for x, weight, bias in zip((of_query, of_key, of_key), weights, biases))
    length, width = len(q), DIM // HEADS
    later = torch.ones(length, length, dtype=torch.bool).triu(1)
    heads = []
    for head in range(HEADS):
        columns = slice(head * width, (head + 1) * width)
        scores = (q[:, columns] @ k[:, columns].T / math.sqrt(width)).masked_fill(later, -math.inf)
        heads.append(torch.softmax(scores, dim=-1) @ v[:, columns])
    return model.linear(f"{name}.output", torch.cat(heads, dim=-1))


def attention_of_torch(model, name, of_query, of_key):
    weights, biases = projections(model, name)
    layer = torch.nn.MultiheadAttention(DIM, HEADS, dtype=torch.float64)
    with torch.no_grad():
        layer.in_proj_weight.copy_(torch.cat(weights, dim=1).T)
        layer.in_proj_bias.copy_(torch.cat(biases))
        layer.out_proj.weight.copy_(model.parameters[f"{name}.output.weight"].T)
        layer.out_proj.bias.copy_(model.parameters[f"{name}.output.bias"])
    later = torch.ones(len(of_query), len(of_query), dtype=torch.bool).triu(1)
    return layer(of_query, of_key, of_key, attn_mask=later, need_weights=False)[0]


def encoder_layer_of_torch(model, block, x):
    """The pre-norm block as torch ships it."""
    layer = torch.nn.TransformerEncoderLayer(
        DIM, HEADS, HIDDEN, dropout=0, layer_norm_eps=EPSILON, norm_first=True, dtype=torch.float64
    )
    into = {
        "attention.norm": layer.norm1, "attention.output": layer.self_attn.out_proj,
        "feed_forward.norm": layer.norm2, "feed_forward.up": layer.linear1, "feed_forward.down": layer.linear2,
    }
    with torch.no_grad():
        for name, part in into.items():
            weight = model.parameters[f"{block}.{name}.weight"]
            part.weight.copy_(weight.T if weight.dim() == 2 else weight)
            part.bias.copy_(model.parameters[f"{block}.{name}.bias"])
        layer.self_attn.in_proj_weight.copy_(model.parameters[f"{block}.attention.input.weight"].T)
        layer.self_attn.in_proj_bias.copy_(model.parameters[f"{block}.attention.input.bias"])
    later = torch.ones(len(x), len(x), dtype=torch.bool).triu(1)
    return layer(x[:, None, :], src_mask=later)[:, 0, :]


def agree(one, other):
    """Stops the script where two computations of one thing differ."""
    torch.testing.assert_close(one, other, rtol=0, atol=1e-12)


# Losses: each from hidden [tokens, dim] and items [23, dim] to [tokens].


def scores_of(hidden, items, negatives):
    """Scores of the target [tokens] and of the negatives [tokens, k], and which negatives are the target."""
    negatives = torch.as_tensor(negatives).expand(TOKENS, -1)
    positive = (hidden * items[targets]).sum(dim=-1)
    return positive, (hidden[:, None, :] * items[negatives]).sum(dim=-1), negatives, negatives == targets[:, None]


def softmax_over(positive, negative, hit):
    scores = torch.cat([positive[:, None], negative.masked_fill(hit, -math.inf)], dim=1)
    return torch.logsumexp(scores, dim=1) - positive


def softmax_full(hidden, items):
    return F.cross_entropy(hidden @ items.T, targets, reduction="none")


def softmax_shared(hidden, items):
    positive, negative, _, hit = scores_of(hidden, items, shared)
    return softmax_over(positive, negative, hit)


def softmax_per_row(hidden, items):
    lists = torch.repeat_interleave(torch.tensor(per_row), torch.tensor(LENGTHS), dim=0)
    positive, negative, _, hit = scores_of(hidden, items, lists)
    return softmax_over(positive, negative, hit)


def gbce(hidden, items):
    positive, negative, _, hit = scores_of(hidden, items, per_token)
    assert not hit.any()
    alpha = NEGATIVES / (ITEMS - 1)
    beta = alpha * (T * (1 - 1 / alpha) + 1 / alpha)
    return -(beta * F.logsigmoid(positive) + F.logsigmoid(-negative).sum(dim=1)) / (NEGATIVES + 1)


def bce(hidden, items):
    positive, negative, _, hit = scores_of(hidden, items, torch.tensor(one_a_token)[:, None])
    assert not hit.any()
    return -F.logsigmoid(positive) - F.logsigmoid(-negative[:, 0])


def logq_standard(hidden, items):
    positive, negative, ids, hit = scores_of(hidden, items, shared)
    return softmax_over(positive - log_q[targets], negative - log_q[ids], hit)


def logq_negatives_only(hidden, items):
    positive, negative, ids, hit = scores_of(hidden, items, shared)
    return softmax_over(positive, negative - log_q[ids] - math.log(NEGATIVES), hit)


def logq_corrected(hidden, items):
    positive, negative, ids, hit = scores_of(hidden, items, shared)
    log_q_other = log_q[ids] - torch.log1p(-torch.exp(log_q[targets]))[:, None]
    others = torch.logsumexp((negative - log_q_other).masked_fill(hit, -math.inf), dim=1)
    left = (~hit).sum(dim=1)
    share = torch.sigmoid(positive - (others - torch.log(left.double())))
    return (1 - share).detach() * (others - positive)


LOSSES = {
    "softmax-full": (softmax_full, None),
    "softmax-shared": (softmax_shared, shared),
    "softmax-per-row": (softmax_per_row, per_row),
    "gbce": (gbce, per_token),
    "bce": (bce, one_a_token),
    "logq-standard": (logq_standard, shared),
    "logq-negatives-only": (logq_negatives_only, shared),
    "logq-corrected": (logq_corrected, shared),
}


def f32(tensor):
    return np.ascontiguousarray(tensor.detach().numpy().astype("<f4"))


def write(name, arrays, facts):
    save_file({key: f32(value) for key, value in arrays.items()}, HERE / f"{name}.safetensors")
    # A line for each key: short to scroll, fit for a diff.
    lines = ",\n".join(f"  {json.dumps(key)}: {json.dumps(value)}" for key, value in facts.items())
    (HERE / f"{name}.json").write_text(f"{{\n{lines}\n}}\n")


def golden_model(name):
    values = parameters(name)
    model = Model(name, values, attention_by_hand)
    hidden = model.hidden()
    agree(hidden, Model(name, values, attention_of_torch).hidden())
    if name == "pre-norm":
        BLOCK["pre-norm"] = encoder_layer_of_torch
        agree(hidden, model.hidden())
        BLOCK["pre-norm"] = pre_norm
    loss = model.loss()
    loss.backward()
    arrays = {f"parameter.{key}": value.clone() for key, value in values.items()}
    arrays |= {f"gradient.{key}": value.grad.clone() for key, value in values.items()}
    arrays["hidden"] = hidden
    optimizer = torch.optim.Adam(values.values(), lr=LEARNING_RATE, betas=BETAS, eps=ADAM_EPSILON)
    losses = []
    for _ in range(STEPS):
        optimizer.zero_grad()
        step = model.loss()
        step.backward()
        losses.append(step.item())
        optimizer.step()
    hits = [[token, shared.index(int(target))] for token, target in enumerate(targets) if int(target) in shared]
    assert hits, "one negative has to be some token's target"
    write(name, arrays, {
        "config": {
            "block": name, "items": ITEMS, "dim": DIM, "heads": HEADS, "blocks": BLOCKS, "hidden": HIDDEN,
            "length_max": LENGTH_MAX, "norm_epsilon": EPSILON, "scale_embedding": SCALED[name],
        },
        "offsets": OFFSETS, "inputs": inputs.tolist(), "targets": targets.tolist(),
        "negatives": shared, "masked": hits, "loss": loss.item(),
        "adam": {"learning_rate": LEARNING_RATE, "betas": BETAS, "epsilon": ADAM_EPSILON},
        "adam_losses": losses, "adam_loss_after": model.loss().item(),
    })
    return arrays


def golden_losses(hidden, items):
    # Rounded first: whoever reads the stored f32 computes from the same numbers.
    hidden, items = (torch.from_numpy(f32(one)).double().requires_grad_() for one in (hidden, items))
    arrays, losses = {"hidden": hidden, "items": items, "log_q": log_q}, {}
    for name, (function, negatives) in LOSSES.items():
        tokens = function(hidden, items)
        loss = tokens.mean()
        of_hidden, of_items = torch.autograd.grad(loss, [hidden, items])
        arrays |= {f"{name}.token": tokens, f"{name}.gradient.hidden": of_hidden, f"{name}.gradient.items": of_items}
        losses[name] = {"loss": loss.item()} | ({} if negatives is None else {"negatives": negatives})
    write("losses", arrays, {
        "offsets": OFFSETS, "targets": targets.tolist(), "k": NEGATIVES, "t": T, "losses": losses,
    })


if __name__ == "__main__":
    made = {name: golden_model(name) for name in SCALED}
    golden_losses(made["pre-norm"]["hidden"], made["pre-norm"]["parameter.items"])
