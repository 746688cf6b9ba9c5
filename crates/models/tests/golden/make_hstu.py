"""Golden numbers for HSTU (Zhai et al. 2024) and its attention, computed by PyTorch in float64 on the CPU.

    venv/bin/python make_hstu.py

The environment is that of make.py, whose batch and helpers this script takes over, and so are the rules: the
same torch version writes the same bytes; what is drawn is rounded to f32 and stored; everything else is
computed from the rounded numbers in f64 and rounded to f32 where it lies in a safetensors file, written in
full where it lies in JSON. Attention, model and loss are written twice, once on whole matrices and once pair
by pair with the formulas spelt out; values and all gradients of both must agree, or the script stops.

For each of the models `hstu` (weights by SiLU) and `hstu-softmax`:

NAME.json
    config      weighting ("silu" or "softmax"), items, dim, blocks, heads, query_width, value_width (of one head),
                length_max, score_length, norm_epsilon, temperature
    offsets     [rows + 1]: row b is the tokens offsets[b]..offsets[b + 1]; 4 rows of 5, 1, 12 and 3 tokens
    inputs      [tokens] item ids
    targets     [tokens] item ids, what comes next
    happened_at [tokens] when the input happened, in seconds; never falls inside a row, some are equal
    asked_at    [tokens] when the target happened: happened_at of the next token of the row; of the last one a
                later time
    negatives   [tokens][6] item ids, a list for each token; some hold the token's target
    masked      [[token, place in its negatives]]: those hits, for people
    loss        see below
    adam        {learning_rate, betas, epsilon}
    adam_losses [10]: the loss that each of ten steps on this batch computes before it changes anything, so
                that the first equals `loss`. Every parameter is dense, `items` too; nothing decays
    adam_loss_after: the loss after the tenth step
    buckets     {seconds [n], bucket [n]}: spans of time and their buckets; in hstu.json alone
NAME.safetensors, all f32
    parameter.P     every parameter, by its name P (list below)
    gradient.P      of `loss`, the same shape. For `items` that is both ways together: as input and as scores
    hidden          [tokens, dim], of length 1

hstu-attention.json
    config      heads, query_width, value_width, score_length
    offsets     [rows + 1], the same rows
    happened_at, asked_at   [tokens], such that they make sense with candidates too: those happen when they are
                asked for, all of a row at the same time
    cases       {CASE: {context, window, candidates [rows]}}: `plain`, `window`, `context`, `candidates`, `all`.
                The first `context` tokens of a row are context, the last candidates[b] of row b candidates, the
                rest events; candidates go first: a row has at most its other tokens as context. window 0: none
hstu-attention.safetensors, all f32
    x [tokens, heads (2 value_width + 2 query_width)]   columns as below; those of U take no part
    position_bias [1, score_length], time_bias [1, 129]
    dout [tokens, heads value_width]                    the gradient of the output, from above
    and for W = silu, softmax and each CASE:
    W.CASE.output [tokens, heads value_width]
    W.CASE.gradient.x (zeros in the columns of U), W.CASE.gradient.position_bias, W.CASE.gradient.time_bias

Parameters. A linear layer is y = x W + b with W `[in, out]` (the transpose of torch's).
    items [23, dim]; positions [length_max, dim]
    block.{i}.input.weight  [dim, heads (2 value_width + 2 query_width)], without bias: columns U, V (heads
                            value_width each), Q, K (heads query_width each); heads are consecutive groups of
                            columns inside each
    block.{i}.position_bias [1, score_length], block.{i}.time_bias [1, 129]: for all heads of the block
    block.{i}.output.weight [heads value_width, dim], block.{i}.output.bias [1, dim]

Model. x = sqrt(dim) items[id] + positions[p], p counted from 0 at the start of the row. Block after block
    [U | V | Q | K] = silu(LN(x) W_input);  out = x + (U * LN(A V)) W_output + b_output
and at the end h = x / max(||x||, 1e-6). LN: (x - mean) / sqrt(variance + norm_epsilon), with nothing learnt, the
variance over all columns (of all heads for A V), not one fewer. Nothing is dropped.

Attention. In each head, for a query i and a key j that it sees,
    s_ij = q_i . k_j + position_bias[score_length - 1 - max(place_i - place_j, 0)] + time_bias[bucket(d)]
with d = asked_at_i - happened_at_j; not over the root of the width.
    silu        A_ij = silu(s_ij) / score_length
    softmax     A_ij = e^{s_ij} / sum over all j' that i sees of e^{s_ij'}
and A_ij = 0 for what i does not see. bucket(d) = floor(ln(max(|d|, 1)) / 0.301), at most 128.
    place       counted from 0 at the start of the row; of every candidate that of the first one
    context     sees the whole context of its row, later tokens of it too, and nothing else
    events      see the context, and events up to themselves with place_i - place_j < window
    candidates  see the context, events with place_i - place_j < window, and themselves; no other candidate
In the models all tokens are events, and there is no window: i sees every j <= i.

Loss. Score of item e: h . items[e] / max(||items[e]||, 1e-6) / temperature; p the target. The loss of a token is
-s_p + log(e^{s_p} + sum over its negatives of e^s), where a negative that is the target is left out; the loss is
the mean over tokens.
"""

import math

import numpy as np
import torch
import torch.nn.functional as F
from make import (
    ADAM_EPSILON, BETAS, BLOCKS, DIM, HEADS, ITEMS, LEARNING_RATE, LENGTH_MAX, LENGTHS, OFFSETS, STEPS, TOKENS, agree,
    draw, inputs, random, targets, write,
)

QUERY_WIDTH, VALUE_WIDTH, SCORE_LENGTH, EPSILON, LENGTH_LEAST = 3, 4, 15, 1e-6, 1e-6
NEGATIVES, TEMPERATURE = 6, 0.05
BUCKETS, BUCKET_STEP = 129, 0.301
HOUR, DAY = 3_600, 86_400
# Of each row: when it begins, and the seconds from each token to the next, from the last to its target.
TIMES = [
    (978_300_019, [20, 0, 61, DAY, HOUR]),
    (956_703_932, [7 * DAY]),
    (957_001_000, [0, 0, 5, 19, 240, HOUR + 130, 50_000, 0, 12 * DAY, 200 * DAY, 3 * 365 * DAY, 1]),
    (1_046_454_590, [0, 40, 30 * DAY]),
]
SPANS = [
    0, 1, 2, -5, 60, HOUR, DAY, 7 * DAY, 30 * DAY, 365 * DAY, 3 * 365 * DAY, 20 * 365 * DAY, -HOUR, 10**12, 2**62,
]
PLAIN = {"context": 0, "window": 0, "candidates": [0, 0, 0, 0]}
CASES = {
    "plain": PLAIN,
    "window": PLAIN | {"window": 4},
    "context": PLAIN | {"context": 2},
    "candidates": PLAIN | {"candidates": [2, 0, 3, 1]},
    "all": {"context": 2, "window": 4, "candidates": [2, 0, 3, 1]},
}
WEIGHTINGS = {"hstu": "silu", "hstu-softmax": "softmax"}


def times(candidates):
    """Of all tokens: when it happened, and when it is asked what comes next; candidates happen when asked for."""
    happened_at, asked_at = [], []
    for (begin, gaps), count in zip(TIMES, candidates):
        moments = np.cumsum([begin, *gaps]).tolist()
        first = len(gaps) - count
        moments[first:-1] = moments[-1:] * count
        happened_at += moments[:-1]
        asked_at += moments[1:]
    return happened_at, asked_at


def bucket(seconds):
    at = math.log(max(abs(seconds), 1)) / BUCKET_STEP
    # No span lies where rounding decides.
    assert abs(seconds) <= 1 or abs(at - round(at)) > 1e-6, seconds
    return min(math.floor(at), BUCKETS - 1)


def drawn(*shape, scale=0.3):
    """Rounded to f32, as f64."""
    return torch.from_numpy(random.normal(scale=scale, size=shape).astype(np.float32)).double().requires_grad_()


def columns(x):
    """U, V, Q and K of [tokens, heads (2 value_width + 2 query_width)], each [tokens, heads, width]."""
    widths = [VALUE_WIDTH, VALUE_WIDTH, QUERY_WIDTH, QUERY_WIDTH]
    return [
        part.unflatten(1, (HEADS, width))
        for part, width in zip(x.split([HEADS * width for width in widths], dim=1), widths)
    ]


# Attention: from x [tokens, ...], both biases, the times of all tokens, how scores become weights and a case of
# CASES to [tokens, heads value_width].


def attention(x, position_bias, time_bias, when, weighting, case):
    """Row after row on whole matrices."""
    _, v, q, k = columns(x)
    rows = []
    for row, (begin, end) in enumerate(zip(OFFSETS, OFFSETS[1:])):
        of = slice(begin, end)
        sees, distance = roles(end - begin, case["candidates"][row], case["context"], case["window"])
        spans = [[bucket(asked - happened) for happened in when[0][of]] for asked in when[1][of]]
        bias = position_bias[0, SCORE_LENGTH - 1 - distance] + time_bias[0, torch.tensor(spans)]
        scores = torch.einsum("ihc,jhc->hij", q[of], k[of]) + bias
        if weighting == "silu":
            weights = F.silu(scores) / SCORE_LENGTH * sees
        else:
            weights = torch.softmax(scores.masked_fill(~sees, -math.inf), dim=-1)
        rows.append(torch.einsum("hij,jhc->ihc", weights, v[of]).flatten(1))
    return torch.cat(rows)


def roles(count, candidates, context, window):
    """Who sees whom in a row, and how far apart they are: two matrices, a line a query."""
    token = torch.arange(count)
    first_candidate = count - candidates
    context = token < min(context, first_candidate)
    event = ~context & (token < first_candidate)
    place = token.clamp(max=first_candidate)
    distance = place[:, None] - place
    sees = event & ~context[:, None] & (token[:, None] >= token)
    if window:
        sees &= distance < window
    return sees | context | torch.eye(count, dtype=torch.bool), distance.clamp(min=0)


def attention_by_pairs(x, position_bias, time_bias, when, weighting, case):
    """The same, one query and one key at a time."""
    happened_at, asked_at = when
    rows = []
    for row, begin in enumerate(OFFSETS[:-1]):
        events_end = LENGTHS[row] - case["candidates"][row]

        def role(token):
            if token >= events_end:
                return "candidate"
            return "context" if token < case["context"] else "event"

        def place(token):
            return events_end if role(token) == "candidate" else token

        def sees(query, key):
            if role(key) == "context":
                return True
            if role(key) == "candidate":
                return query == key
            near = case["window"] == 0 or place(query) - place(key) < case["window"]
            return role(query) != "context" and key <= query and near

        def number(token, first, head, width):
            at = first + head * width
            return x[begin + token, at : at + width]

        values, queries = HEADS * VALUE_WIDTH, 2 * HEADS * VALUE_WIDTH
        keys = queries + HEADS * QUERY_WIDTH
        for query in range(LENGTHS[row]):
            seen, heads = [key for key in range(LENGTHS[row]) if sees(query, key)], []
            for head in range(HEADS):
                scores = []
                for key in seen:
                    pair = number(query, queries, head, QUERY_WIDTH) * number(key, keys, head, QUERY_WIDTH)
                    far = max(place(query) - place(key), 0)
                    span = bucket(asked_at[begin + query] - happened_at[begin + key])
                    scores.append(pair.sum() + position_bias[0, SCORE_LENGTH - 1 - far] + time_bias[0, span])
                if weighting == "silu":
                    weights = [score / (1 + torch.exp(-score)) / SCORE_LENGTH for score in scores]
                else:
                    total = sum(torch.exp(score) for score in scores)
                    weights = [torch.exp(score) / total for score in scores]
                heads.append(sum(
                    weight * number(key, values, head, VALUE_WIDTH) for weight, key in zip(weights, seen)
                ))
            rows.append(torch.cat(heads))
    return torch.stack(rows)


# Layers, and the loss: from hidden [tokens, dim], items [23, dim] and the negatives to a number. Twice each.


def norm(x):
    return F.layer_norm(x, x.shape[1:], eps=EPSILON)


def norm_by_hand(x):
    apart = x - x.mean(dim=1, keepdim=True)
    return apart / torch.sqrt((apart * apart).sum(dim=1, keepdim=True) / x.shape[1] + EPSILON)


def unit(x):
    return F.normalize(x, dim=-1, eps=LENGTH_LEAST)


def unit_by_hand(x):
    return torch.stack([row / max((row * row).sum().sqrt(), torch.tensor(LENGTH_LEAST).double()) for row in x])


def sampled_softmax(hidden, items, negatives):
    listed = torch.cat([targets[:, None], torch.tensor(negatives)], dim=1)
    scores = torch.einsum("tc,tnc->tn", hidden, unit(items[listed])) / TEMPERATURE
    hit = listed == targets[:, None]
    hit[:, 0] = False
    return F.cross_entropy(scores.masked_fill(hit, -math.inf), torch.zeros(TOKENS, dtype=torch.long))


def sampled_softmax_by_hand(hidden, items, negatives):
    items, total = unit_by_hand(items), 0
    for token, target in enumerate(targets.tolist()):
        others = [item for item in negatives[token] if item != target]
        score = {item: (hidden[token] * items[item]).sum() / TEMPERATURE for item in [target, *others]}
        total = total + sum(torch.exp(score[item] - score[target]) for item in [target, *others]).log()
    return total / TOKENS


WHOLE = attention, norm, unit, sampled_softmax
BY_HAND = attention_by_pairs, norm_by_hand, unit_by_hand, sampled_softmax_by_hand


def parameters():
    """In a fixed order."""
    values = {"items": drawn(ITEMS, DIM), "positions": drawn(LENGTH_MAX, DIM)}
    for block in range(BLOCKS):
        values |= {
            f"block.{block}.input.weight": drawn(DIM, 2 * HEADS * (VALUE_WIDTH + QUERY_WIDTH)),
            f"block.{block}.position_bias": drawn(1, SCORE_LENGTH),
            f"block.{block}.time_bias": drawn(1, BUCKETS),
            f"block.{block}.output.weight": drawn(HEADS * VALUE_WIDTH, DIM),
            f"block.{block}.output.bias": drawn(1, DIM),
        }
    return values


def model(values, when, negatives, weighting, how=WHOLE):
    """Hidden states and the loss."""
    attend, norm, unit, loss_of = how
    places = torch.cat([torch.arange(length) for length in LENGTHS])
    x = math.sqrt(DIM) * values["items"][inputs] + values["positions"][places]
    for block in range(BLOCKS):
        of = {part: values[f"block.{block}.{part}"] for part in ("position_bias", "time_bias")}
        uvqk = F.silu(norm(x) @ values[f"block.{block}.input.weight"])
        pooled = norm(attend(uvqk, **of, when=when, weighting=weighting, case=PLAIN))
        gated = columns(uvqk)[0].flatten(1) * pooled
        x = x + gated @ values[f"block.{block}.output.weight"] + values[f"block.{block}.output.bias"]
    hidden = unit(x)
    return hidden, loss_of(hidden, values["items"], negatives)


def golden_model(name, when, negatives):
    values = parameters()
    of = when, negatives, WEIGHTINGS[name]
    hidden, loss = model(values, *of)
    loss.backward()
    gradients = {key: value.grad.clone() for key, value in values.items()}
    again, loss_again = model(values, *of, BY_HAND)
    agree(hidden, again)
    agree(loss, loss_again)
    for one, other in zip(gradients.values(), torch.autograd.grad(loss_again, list(values.values()))):
        agree(one, other)
    arrays = {f"parameter.{key}": value.detach().clone() for key, value in values.items()}
    arrays |= {f"gradient.{key}": gradient for key, gradient in gradients.items()}
    arrays["hidden"] = hidden
    optimizer = torch.optim.Adam(values.values(), lr=LEARNING_RATE, betas=BETAS, eps=ADAM_EPSILON)
    losses = []
    for _ in range(STEPS):
        optimizer.zero_grad()
        _, step = model(values, *of)
        step.backward()
        losses.append(step.item())
        optimizer.step()
    hits = [
        [token, negatives[token].index(target)]
        for token, target in enumerate(targets.tolist()) if target in negatives[token]
    ]
    facts = {
        "config": {
            "weighting": WEIGHTINGS[name], "items": ITEMS, "dim": DIM, "blocks": BLOCKS, "heads": HEADS,
            "query_width": QUERY_WIDTH, "value_width": VALUE_WIDTH, "length_max": LENGTH_MAX,
            "score_length": SCORE_LENGTH, "norm_epsilon": EPSILON, "temperature": TEMPERATURE,
        },
        "offsets": OFFSETS, "inputs": inputs.tolist(), "targets": targets.tolist(),
        "happened_at": when[0], "asked_at": when[1], "negatives": negatives, "masked": hits, "loss": loss.item(),
        "adam": {"learning_rate": LEARNING_RATE, "betas": BETAS, "epsilon": ADAM_EPSILON},
        "adam_losses": losses, "adam_loss_after": model(values, *of)[1].item(),
    }
    if name == "hstu":
        facts["buckets"] = {"seconds": SPANS, "bucket": [bucket(span) for span in SPANS]}
    write(name, arrays, facts)


def golden_attention():
    when = times(CASES["all"]["candidates"])
    inputs = {
        # Scores of about 1.
        "x": drawn(TOKENS, 2 * HEADS * (VALUE_WIDTH + QUERY_WIDTH), scale=0.8),
        "position_bias": drawn(1, SCORE_LENGTH), "time_bias": drawn(1, BUCKETS),
    }
    dout = drawn(TOKENS, HEADS * VALUE_WIDTH, scale=1).detach()
    arrays = inputs | {"dout": dout}
    for weighting in WEIGHTINGS.values():
        for name, case in CASES.items():
            both = []
            for attend in (attention, attention_by_pairs):
                output = attend(**inputs, when=when, weighting=weighting, case=case)
                both.append([output, *torch.autograd.grad(output, list(inputs.values()), dout)])
            for one, other in zip(*both):
                agree(one, other)
            names = ["output", *(f"gradient.{key}" for key in inputs)]
            arrays |= {f"{weighting}.{name}.{key}": value for key, value in zip(names, both[0])}
    write("hstu-attention", arrays, {
        "config": {
            "heads": HEADS, "query_width": QUERY_WIDTH, "value_width": VALUE_WIDTH, "score_length": SCORE_LENGTH,
        },
        "offsets": OFFSETS, "happened_at": when[0], "asked_at": when[1], "cases": CASES,
    })


if __name__ == "__main__":
    lists = [
        draw(NEGATIVES, hit=target) if token % 3 == 0 else draw(NEGATIVES, avoid=[target])
        for token, target in enumerate(targets.tolist())
    ]
    for name in WEIGHTINGS:
        golden_model(name, times(PLAIN["candidates"]), lists)
    golden_attention()
