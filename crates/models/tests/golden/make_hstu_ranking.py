"""Golden numbers for HSTU's ranking form (Zhai et al. 2024, section 2), computed by PyTorch in float64 on the CPU.

    venv/bin/python make_hstu_ranking.py

The environment and the rules are those of make.py and make_hstu.py, whose batch and helpers this script takes over.
The model is written twice. Once on whole matrices: all candidates of a row stand at its end, and a mask hides them
from each other. Once token by token and pair by pair, with the formulas spelt out, and there each candidate is
alone at the end of a row of its own. Values and all gradients of both must agree, or the script stops.

For each of the models `hstu-ranking` and `hstu-ranking-plain` (no context, a linear head, no weights, states under a
layer norm):

NAME.json
    config      items, contexts (values that a context can have), context (tokens of it a row), actions, head (widths
                of hidden layers), cosine, dim, blocks, heads, query_width, value_width (of one head), length_max (in
                events), score_length, norm_epsilon
    offsets     [rows + 1]: row b is the events offsets[b]..offsets[b + 1]; 4 rows of 5, 1, 12 and 3 events
    items       [events] item ids
    actions     [events] sets of actions: bit k is set where action k was done; some are empty
    times       [events] in seconds; never falls inside a row, some are equal
    now         [rows] when it is asked what follows the last event
    context_ids [rows * context] values of contexts
    weights     [events * actions], or null: all 1
    candidate_offsets [rows + 1], candidates [candidates] item ids: a row has 3, 1, 0 and 4 of them
    tokens      {happened_at, asked_at, positions}: of all tokens of all rows, without candidates
    loss        see below
    adam        {learning_rate, betas, epsilon}
    adam_losses [10]: the loss that each of ten steps on this batch computes before it changes anything, so that the
                first equals `loss`. Every parameter is dense, `items` and `contexts` too; nothing decays
    adam_loss_after: the loss after the tenth step
NAME.safetensors, all f32
    parameter.P     every parameter, by its name P (list below)
    gradient.P      of `loss`, the same shape
    hidden          [events, dim]: the states that go into the head
    logits          [events, actions]
    candidate_logits [candidates, actions]

Parameters. As make_hstu.py has them, and
    contexts [contexts, dim] where there is context; actions [actions, dim]; positions [context + 2 length_max, dim]
    head.{i}.weight [in, out], head.{i}.bias [1, out]

Model. The tokens of a row are its context, then item_0, action_0, item_1, action_1, ... A token is
    context, item   sqrt(dim) times its embedding
    action          the sum of the embeddings of what was done; zeros where nothing was
and positions[p] is added, p its place, counted from 0 at the start of the row in tokens. Blocks as in make_hstu.py,
where context tokens see the whole context, and all others the context and what is not later than themselves.
    happened_at     0 for context; else when the event was, for its item and its action
    asked_at        0 for context; for an item when its event was; for an action when the next event is, or now
States are read at items: h = x / max(||x||, 1e-6) where `cosine`, else LN(x). The head: silu(h W + b) layer after
layer, the last without silu. A candidate stands where the item of the next event would, happens and is asked for now.

Loss. Of an event and an action with logit s and label y (1 where it was done): log(1 + e^s) - y s. The loss is the
sum over events and actions, each times its weight, over the sum of weights.
"""

import math

import numpy as np
import torch
import torch.nn.functional as F
from make import (
    ADAM_EPSILON, BETAS, BLOCKS, DIM, HEADS, ITEMS, LEARNING_RATE, LENGTHS, OFFSETS, STEPS, TOKENS, agree, inputs,
    random, write,
)
from make_hstu import (
    BUCKETS, EPSILON, PLAIN, QUERY_WIDTH, VALUE_WIDTH, bucket, columns, drawn, norm, norm_by_hand, roles, times, unit,
    unit_by_hand,
)

TIMES = times(PLAIN["candidates"])
LENGTH_MAX, SCORE_LENGTH, CONTEXTS = 13, 29, 6
CANDIDATES = [3, 1, 0, 4]
ENDS = np.cumsum([0, *CANDIDATES]).tolist()
ROWS = range(len(LENGTHS))
NOW = [TIMES[1][end - 1] for end in OFFSETS[1:]]


class Model:
    """What it is made of, and the batch."""

    def __init__(self, context, actions, head, cosine, weighted):
        self.context, self.actions, self.head, self.cosine = context, actions, head, cosine
        self.sets = random.integers(0, 2**actions, TOKENS).tolist()
        for event in (1, OFFSETS[2], OFFSETS[2] + 7):
            self.sets[event] = 0
        self.labels = torch.tensor([[float(one >> kind & 1) for kind in range(actions)] for one in self.sets]).double()
        self.context_ids = random.integers(0, CONTEXTS, (len(LENGTHS), context)).tolist()
        self.candidates = random.integers(0, ITEMS, ENDS[-1]).tolist()
        self.weights = None
        if weighted:
            # Some take no part.
            weights = np.maximum(random.uniform(-0.3, 2, (TOKENS, actions)), 0).astype(np.float32)
            self.weights = torch.from_numpy(weights).double()

    def parameters(self):
        """In a fixed order."""
        values = {"items": drawn(ITEMS, DIM)}
        if self.context:
            values["contexts"] = drawn(CONTEXTS, DIM)
        values |= {"positions": drawn(self.context + 2 * LENGTH_MAX, DIM), "actions": drawn(self.actions, DIM)}
        for block in range(BLOCKS):
            values |= {
                f"block.{block}.input.weight": drawn(DIM, 2 * HEADS * (VALUE_WIDTH + QUERY_WIDTH)),
                f"block.{block}.position_bias": drawn(1, SCORE_LENGTH),
                f"block.{block}.time_bias": drawn(1, BUCKETS),
                f"block.{block}.output.weight": drawn(HEADS * VALUE_WIDTH, DIM),
                f"block.{block}.output.bias": drawn(1, DIM),
            }
        for layer, (width, out) in enumerate(zip([DIM, *self.head], [*self.head, self.actions])):
            values |= {f"head.{layer}.weight": drawn(width, out, scale=0.6), f"head.{layer}.bias": drawn(1, out)}
        return values

    def happened_and_asked(self, row):
        """Of the tokens of a row, without candidates."""
        of = slice(OFFSETS[row], OFFSETS[row + 1])
        happened, asked = np.zeros((2, self.context), dtype=np.int64).tolist()
        for time, following in zip(TIMES[0][of], TIMES[1][of]):
            happened += [time, time]
            asked += [time, following]
        return happened, asked


# Whole matrices.


def row_of(model, values, row):
    """Hidden states of all tokens of a row, its candidates at the end."""
    of, count = slice(OFFSETS[row], OFFSETS[row + 1]), CANDIDATES[row]
    items = values["items"][inputs[of]] * math.sqrt(DIM)
    x = torch.stack([items, model.labels[of] @ values["actions"]], dim=1).flatten(0, 1)
    if model.context:
        x = torch.cat([math.sqrt(DIM) * values["contexts"][model.context_ids[row]], x])
    next_place = len(x)
    scored = values["items"][model.candidates[ENDS[row] : ENDS[row + 1]]] * math.sqrt(DIM)
    x = torch.cat([x, scored]) + values["positions"][[*range(next_place), *[next_place] * count]]
    happened, asked = (part + [NOW[row]] * count for part in model.happened_and_asked(row))
    spans = torch.tensor([[bucket(one - other) for other in happened] for one in asked])
    sees, distance = roles(len(x), count, model.context, 0)
    for block in range(BLOCKS):
        part = {key: values[f"block.{block}.{key}"] for key in ("position_bias", "time_bias")}
        u, v, q, k = columns(F.silu(norm(x) @ values[f"block.{block}.input.weight"]))
        bias = part["position_bias"][0, SCORE_LENGTH - 1 - distance] + part["time_bias"][0, spans]
        weights = F.silu(torch.einsum("ihc,jhc->hij", q, k) + bias) / SCORE_LENGTH * sees
        gated = u.flatten(1) * norm(torch.einsum("hij,jhc->ihc", weights, v).flatten(1))
        x = x + gated @ values[f"block.{block}.output.weight"] + values[f"block.{block}.output.bias"]
    return x


def head_of(model, values, x):
    """States and logits."""
    state = unit(x) if model.cosine else norm(x)
    x = state
    for layer in range(len(model.head) + 1):
        x = x @ values[f"head.{layer}.weight"] + values[f"head.{layer}.bias"]
        x = F.silu(x) if layer < len(model.head) else x
    return state, x


def whole(model, values):
    """States and logits of events, logits of candidates, and the loss."""
    events, scored = [], []
    for row in ROWS:
        x = row_of(model, values, row)
        end = model.context + 2 * LENGTHS[row]
        events.append(x[model.context : end : 2])
        scored.append(x[end:])
    states, logits = head_of(model, values, torch.cat(events))
    loss = F.binary_cross_entropy_with_logits(logits, model.labels, model.weights, reduction="sum")
    total = TOKENS * model.actions if model.weights is None else model.weights.sum()
    return states, logits, head_of(model, values, torch.cat(scored))[1], loss / total


# Token by token.


def tokens_of(model, values, row, candidate=None):
    """Embedding, time that it happened, time that it is asked: a list, the candidate alone at its end."""
    scale, tokens = math.sqrt(DIM), []
    for context in model.context_ids[row]:
        tokens.append((scale * values["contexts"][context], 0, 0))
    for event in range(OFFSETS[row], OFFSETS[row + 1]):
        last = event + 1 == OFFSETS[row + 1]
        following = NOW[row] if last else TIMES[0][event + 1]
        tokens.append((scale * values["items"][inputs[event]], TIMES[0][event], TIMES[0][event]))
        done = [values["actions"][kind] for kind in range(model.actions) if model.sets[event] & 1 << kind]
        tokens.append((sum(done, torch.zeros(DIM).double()), TIMES[0][event], following))
    if candidate is not None:
        tokens.append((scale * values["items"][candidate], NOW[row], NOW[row]))
    return [(x + values["positions"][place], *when) for place, (x, *when) in enumerate(tokens)]


def encoded(model, values, tokens):
    """Hidden states of a row of such tokens."""
    x = torch.stack([token[0] for token in tokens])
    for block in range(BLOCKS):
        weight = values[f"block.{block}.input.weight"]
        uvqk = norm_by_hand(x) @ weight
        uvqk = uvqk / (1 + torch.exp(-uvqk))
        value, query = HEADS * VALUE_WIDTH, 2 * HEADS * VALUE_WIDTH
        key = query + HEADS * QUERY_WIDTH
        pooled = []
        for i, (_, _, asked) in enumerate(tokens):
            seen = range(model.context if i < model.context else i + 1)
            heads = []
            for head in range(HEADS):
                own, total = head * QUERY_WIDTH, torch.zeros(VALUE_WIDTH).double()
                for j in seen:
                    q = uvqk[i, query + own : query + own + QUERY_WIDTH]
                    k = uvqk[j, key + own : key + own + QUERY_WIDTH]
                    v = uvqk[j, value + head * VALUE_WIDTH : value + (head + 1) * VALUE_WIDTH]
                    score = (q * k).sum() + values[f"block.{block}.position_bias"][0, SCORE_LENGTH - 1 - max(i - j, 0)]
                    score = score + values[f"block.{block}.time_bias"][0, bucket(asked - tokens[j][1])]
                    total = total + score / (1 + torch.exp(-score)) / SCORE_LENGTH * v
                heads.append(total)
            pooled.append(torch.cat(heads))
        gated = uvqk[:, :value] * norm_by_hand(torch.stack(pooled))
        x = x + gated @ values[f"block.{block}.output.weight"] + values[f"block.{block}.output.bias"]
    return x


def head_by_hand(model, values, x):
    state = unit_by_hand(x) if model.cosine else norm_by_hand(x)
    x = state
    for layer in range(len(model.head) + 1):
        weight, bias = values[f"head.{layer}.weight"], values[f"head.{layer}.bias"][0]
        x = torch.stack([(row[:, None] * weight).sum(dim=0) + bias for row in x])
        if layer < len(model.head):
            x = x / (1 + torch.exp(-x))
    return state, x


def by_hand(model, values):
    events, scored = [], []
    for row in ROWS:
        x = encoded(model, values, tokens_of(model, values, row))
        events += [x[model.context + 2 * event] for event in range(LENGTHS[row])]
        for candidate in model.candidates[ENDS[row] : ENDS[row + 1]]:
            scored.append(encoded(model, values, tokens_of(model, values, row, candidate))[-1])
    states, logits = head_by_hand(model, values, torch.stack(events))
    loss, total = 0, 0
    for event in range(TOKENS):
        for kind in range(model.actions):
            weight = 1 if model.weights is None else model.weights[event, kind].item()
            probability = 1 / (1 + torch.exp(-logits[event, kind]))
            done = model.sets[event] >> kind & 1
            loss = loss - weight * torch.log(probability if done else 1 - probability)
            total += weight
    return states, logits, head_by_hand(model, values, torch.stack(scored))[1], loss / total


def golden(name, model):
    values = model.parameters()
    states, logits, scored, loss = whole(model, values)
    loss.backward()
    gradients = {key: value.grad.clone() for key, value in values.items()}
    again = by_hand(model, values)
    for one, other in zip((states, logits, scored, loss), again):
        agree(one, other)
    for one, other in zip(gradients.values(), torch.autograd.grad(again[-1], list(values.values()))):
        agree(one, other)
    arrays = {f"parameter.{key}": value.detach().clone() for key, value in values.items()}
    arrays |= {f"gradient.{key}": gradient for key, gradient in gradients.items()}
    arrays |= {"hidden": states, "logits": logits, "candidate_logits": scored}
    optimizer = torch.optim.Adam(values.values(), lr=LEARNING_RATE, betas=BETAS, eps=ADAM_EPSILON)
    losses = []
    for _ in range(STEPS):
        optimizer.zero_grad()
        step = whole(model, values)[-1]
        step.backward()
        losses.append(step.item())
        optimizer.step()
    both = [model.happened_and_asked(row) for row in ROWS]
    weights = model.weights
    write(name, arrays, {
        "config": {
            "items": ITEMS, "contexts": CONTEXTS, "context": model.context, "actions": model.actions,
            "head": model.head, "cosine": model.cosine, "dim": DIM, "blocks": BLOCKS, "heads": HEADS,
            "query_width": QUERY_WIDTH, "value_width": VALUE_WIDTH, "length_max": LENGTH_MAX,
            "score_length": SCORE_LENGTH, "norm_epsilon": EPSILON,
        },
        "offsets": OFFSETS, "items": inputs.tolist(), "actions": model.sets, "times": TIMES[0], "now": NOW,
        "context_ids": sum(model.context_ids, []),
        "weights": None if weights is None else weights.flatten().tolist(),
        "candidate_offsets": ENDS, "candidates": model.candidates,
        "tokens": {
            "happened_at": sum((happened for happened, _ in both), []),
            "asked_at": sum((asked for _, asked in both), []),
            "positions": sum((list(range(len(happened))) for happened, _ in both), []),
        },
        "loss": loss.item(),
        "adam": {"learning_rate": LEARNING_RATE, "betas": BETAS, "epsilon": ADAM_EPSILON},
        "adam_losses": losses, "adam_loss_after": whole(model, values)[-1].item(),
    })


if __name__ == "__main__":
    golden("hstu-ranking", Model(context=2, actions=3, head=[7], cosine=True, weighted=True))
    golden("hstu-ranking-plain", Model(context=0, actions=1, head=[], cosine=False, weighted=False))
