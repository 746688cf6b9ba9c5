"""Golden numbers for the estimators of a policy's value, written to open_bandit.json beside this file.

    python -m venv venv && venv/bin/pip install --no-deps --ignore-requires-python obp==0.5.7
    venv/bin/pip install numpy pandas scikit-learn scipy tqdm pyyaml matplotlib seaborn
    venv/bin/python open_bandit.py FOLDER

FOLDER has random/men/men.csv.gz and bts/men/men.csv.gz of the small Open Bandit Dataset. obp pins
libraries of 2022 and Python below 3.11, so it comes without what it asks for.

All values are by the Open Bandit Pipeline (obp; Saito et al., arXiv 2008.07146), and each has to
equal the formula in numpy within 1e-12. The policy in question is its Bernoulli Thompson sampling
with the shop's own priors, drawn 100,000 times; only tables leave this script, no row of the data.
"""

import csv
import gzip
import itertools
import json
import pathlib
import platform
import sys
from unittest import mock

import numpy as np

# Only obp's neural policies use torch, but `import obp` imports it: a stand-in will do. Two things
# must be classes: what their data derive from, and what scipy compares the type of arrays with.
torch = mock.MagicMock(Tensor=type("Tensor", (), {}), **{"utils.data.Dataset": object})
sys.modules.update(dict.fromkeys(["torch", "torch.nn", "torch.nn.functional", "torch.optim"], torch))
import obp  # noqa: E402
from obp.ope import (  # noqa: E402
    DirectMethod,
    DoublyRobust,
    DoublyRobustWithShrinkage,
    InverseProbabilityWeighting,
    OffPolicyEvaluation,
    ReplayMethod,
    SelfNormalizedDoublyRobust,
    SelfNormalizedInverseProbabilityWeighting,
    SlateIndependentIPS,
    SlateRewardInteractionIPS,
    SlateStandardIPS,
    SwitchDoublyRobust,
)
from obp.policy import BernoulliTS  # noqa: E402

ITEMS, PLACES, DRAWS, SEED = 34, 3, 100_000, 20190
PRIOR_ROWS, CLIP, SWITCH, SHRINK = 20, 2.0, 2.0, 10.0
SLATES, SLATE_ITEMS = 200, 5


def agree(one, other):
    """Stops the script where obp and the formula differ; gives back obp's."""
    np.testing.assert_allclose(one, other, rtol=0, atol=1e-12)
    return float(one)


def rows_of(policy):
    """Items, places from 0, clicks and propensities of a log."""
    path = pathlib.Path(sys.argv[1], policy, "men", "men.csv.gz")
    with gzip.open(path, "rt", newline="") as file:
        rows = list(csv.DictReader(file))
    column = {name: np.array([float(row[name]) for row in rows]) for name in
              ["item_id", "position", "click", "propensity_score"]}
    return (column["item_id"].astype(int), column["position"].astype(int) - 1,
            column["click"], column["propensity_score"])


def summing_to_one(chances):
    """The same with a sum, added up from the first, of exactly 1: the largest gives way."""
    chances = chances / chances.sum()
    while (missing := 1.0 - np.cumsum(chances)[-1]) != 0.0:
        chances[chances.argmax()] += missing
    return chances


items, places, clicks, propensities = rows_of("random")
n = len(items)
policy = BernoulliTS(ITEMS, PLACES, is_zozotown_prior=True, campaign="men", random_state=SEED)
target = policy.compute_batch_action_dist(n_sim=DRAWS)[0]
target = np.column_stack([summing_to_one(target[:, place]) for place in range(PLACES)])
greedy = target.argmax(axis=0)

shown, clicked = np.zeros((ITEMS, PLACES)), np.zeros((ITEMS, PLACES))
np.add.at(shown, (items, places), 1)
np.add.at(clicked, (items, places), clicks)
estimates = (clicked + PRIOR_ROWS * clicks.mean()) / (shown + PRIOR_ROWS)

feedback = {"action": items, "position": places, "reward": clicks, "pscore": propensities,
            "context": np.zeros((n, 1))}


def by_obp(estimators, table):
    """What obp says of a policy that knows only the place."""
    ope = OffPolicyEvaluation(feedback, estimators)
    return ope.estimate_policy_values(np.tile(table, (n, 1, 1)), np.tile(estimates, (n, 1, 1)))


one_hot = np.zeros((ITEMS, PLACES))
one_hot[greedy, range(PLACES)] = 1.0
values = by_obp([ReplayMethod(estimator_name="replay")], one_hot) | by_obp(
    [
        InverseProbabilityWeighting(estimator_name="ips"),
        SelfNormalizedInverseProbabilityWeighting(estimator_name="snips"),
        InverseProbabilityWeighting(lambda_=CLIP, estimator_name="clipped-2"),
        DirectMethod(estimator_name="dm"),
        DoublyRobust(estimator_name="dr"),
        SelfNormalizedDoublyRobust(estimator_name="sndr"),
        SwitchDoublyRobust(lambda_=SWITCH, estimator_name="switch-dr-2"),
        DoublyRobustWithShrinkage(lambda_=SHRINK, estimator_name="dros-10"),
    ],
    target,
)

w = target[items, places] / propensities
q, d = estimates[items, places], (target * estimates).sum(axis=0)[places]
same = items == greedy[places]
assert same.any() and (w > SWITCH).any() and (w < SWITCH).any(), "a formula goes untested"
by_formula = {
    "replay": clicks[same].mean(),
    "ips": (w * clicks).mean(),
    "snips": (w * clicks).sum() / w.sum(),
    "clipped-2": (np.minimum(w, CLIP) * clicks).mean(),
    "dm": d.mean(),
    "dr": (d + w * (clicks - q)).mean(),
    "sndr": d.mean() + (w * (clicks - q)).sum() / w.sum(),
    "switch-dr-2": (d + (w <= SWITCH) * w * (clicks - q)).mean(),
    "dros-10": (d + w * SHRINK / (w**2 + SHRINK) * (clicks - q)).mean(),
}

# Slates of 3 out of 5 items, drawn one after the other without putting back (Plackett-Luce).
rng = np.random.default_rng(SEED)
every = list(itertools.permutations(range(SLATE_ITEMS), PLACES))


def chances(scores):
    """Of each slate: of what stands at each place, of each beginning, and of the whole."""
    weights = np.exp(scores)
    begun = []
    for slate in every:
        left = weights.sum() - np.cumsum([0.0, *weights[list(slate)][:-1]])
        begun.append(np.cumprod(weights[list(slate)] / left))
    begun = np.array(begun)
    whole, stands = begun[:, -1], np.array(every)
    alone = np.array([[whole[stands[:, place] == slate[place]].sum() for place in range(PLACES)]
                      for slate in every])
    np.testing.assert_allclose(whole.sum(), 1.0)
    return alone, begun, np.repeat(whole[:, None], PLACES, axis=1)


behaviour, evaluation = rng.normal(scale=0.5, size=(2, SLATE_ITEMS))
logged, wanted = chances(behaviour), chances(evaluation)
drawn = rng.choice(len(every), size=SLATES, p=logged[2][:, 0] / logged[2][:, 0].sum())
appeal = rng.uniform(0.1, 0.6, size=SLATE_ITEMS)
rewards = (rng.random((SLATES, PLACES)) < appeal[np.array(every)[drawn]]).astype(float)
names = ["pscore_item_position", "pscore_cascade", "pscore"]
slates = {name: table[drawn] for name, table in zip(names, logged)}
slates |= {f"evaluation_policy_{name}": table[drawn] for name, table in zip(names, wanted)}

flat = {name: table.ravel() for name, table in slates.items()}
flat |= {"slate_id": np.repeat(np.arange(SLATES), PLACES), "reward": rewards.ravel(),
         "position": np.tile(np.arange(PLACES), SLATES)}
slate_values = {}
for key, estimator, name in [
    ("standard", SlateStandardIPS, "pscore"),
    ("independent", SlateIndependentIPS, "pscore_item_position"),
    ("cascade", SlateRewardInteractionIPS, "pscore_cascade"),
]:
    weights = slates[f"evaluation_policy_{name}"] / slates[name]
    value = estimator(len_list=PLACES).estimate_policy_value(**flat)
    slate_values[key] = agree(value, (weights * rewards).sum() / SLATES)

golden = {
    "versions": {"python": platform.python_version(), "numpy": np.__version__, "obp": obp.__version__},
    "logged": {"random": float(clicks.mean()), "bts": float(rows_of("bts")[2].mean())},
    "target": target.tolist(),
    "estimates": estimates.tolist(),
    "greedy": greedy.tolist(),
    "estimators": {name: agree(values[name], by_formula[name]) for name in by_formula},
    "slates": [
        {"reward": rewards[slate].tolist()}
        # One number where the chance is that of the whole slate.
        | {name: (table[slate, 0] if name.endswith("pscore") else table[slate]).tolist()
           for name, table in slates.items()}
        for slate in range(SLATES)
    ],
    "slate_estimators": slate_values,
}
path = pathlib.Path(__file__).with_suffix(".json")
path.write_text(json.dumps(golden, separators=(",", ":"), allow_nan=False) + "\n")
