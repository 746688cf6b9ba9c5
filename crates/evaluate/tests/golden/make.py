"""Golden numbers for the metrics, written to metrics.json beside this file.

    python -m venv venv && venv/bin/pip install ranx rectools scikit-learn
    venv/bin/python make.py

Which library each number comes from ("=" names the second one it has to equal within 1e-9):
ranking: hit rate, recall, precision, NDCG, MRR, MAP per user by ranx = rectools.
beyond: coverage by rectools CatalogCoverage = numpy; novelty by rectools MeanInvUserFreq = numpy;
Gini by numpy, from all pairs = from sorted values; diversity by scipy's Jaccard distances =
rectools IntraListDiversity over distances of Python sets; debiased hit rate by numpy = weighted
recall of scikit-learn.
scores: AUC and GAUC by scikit-learn = scipy's Mann-Whitney U; log loss by scikit-learn = numpy;
calibration error by numpy = scikit-learn's calibration_curve; calibration ratio by numpy alone.
"""

import importlib.metadata
import json
import pathlib

import numpy as np
import pandas as pd
import ranx
from rectools import Columns, metrics
from rectools.metrics.distances import PairwiseDistanceCalculator
from scipy.spatial.distance import cdist
from scipy.stats import mannwhitneyu
from sklearn.calibration import calibration_curve
from sklearn.metrics import log_loss, recall_score, roc_auc_score

USERS, ITEMS, TRAIN_USERS, CATEGORIES, LENGTH = 60, 120, 80, 8, 20
CUTS = [1, 5, 10, 20]
ROWS, GROUPS, BINS, EDGE = 400, 40, 10, 1e-15
LIBRARIES = ["ranx", "rectools", "scikit-learn", "scipy", "numpy", "pandas"]


def agree(one, other):
    """Stops the script where two computations of one number differ; gives back the first."""
    np.testing.assert_allclose(one, other, rtol=0, atol=1e-9)
    return one


# The world: some items no train user has, one that all have; some lists short or empty.
rng = np.random.default_rng(20190)
popularity = np.floor(TRAIN_USERS / np.arange(1, ITEMS + 1) ** 0.8).astype(int)
popularity[-10:] = 0
popularity = rng.permutation(popularity)
categories = [
    sorted(rng.choice(CATEGORIES, rng.choice(4, p=[0.15, 0.4, 0.3, 0.15]), replace=False).tolist())
    for _ in range(ITEMS)
]
wanted = rng.integers(1, 26, USERS)
wanted[:4], wanted[4:9] = 1, range(21, 26)
wanted = rng.permutation(wanted)
lengths = np.full(USERS, LENGTH)
lengths[:3], lengths[3:6], lengths[6:10] = 0, 3, 7
lengths = rng.permutation(lengths)
taste = rng.normal(scale=1.5, size=(USERS, ITEMS)) + 0.4 * np.log1p(popularity)
# The first n by taste + Gumbel noise are a draw of n without replacement, by exp(taste).
liked = np.argsort(-(taste + rng.gumbel(size=taste.shape)), axis=1)
shown = np.argsort(-(taste + rng.gumbel(size=taste.shape)), axis=1)
relevant = [sorted(liked[user, : wanted[user]].tolist()) for user in range(USERS)]
ranked = [shown[user, : lengths[user]].tolist() for user in range(USERS)]
assert (popularity[np.concatenate(ranked).astype(int)] == 0).any(), "no list shows an unseen item"

# What the libraries take. ranx sorts queries by name and ranks by score.
names = [f"user{user:02}" for user in range(USERS)]
qrels = ranx.Qrels(
    {name: {f"item{item}": 1 for item in items} for name, items in zip(names, relevant)}
)
run = ranx.Run(
    {
        name: {f"item{item}": float(LENGTH - at) for at, item in enumerate(items)}
        for name, items in zip(names, ranked)
        if items  # make_comparable adds the users with an empty list again
    }
)
interactions = pd.DataFrame(
    [(user, item) for user in range(USERS) for item in relevant[user]], columns=Columns.UserItem
)
reco = pd.DataFrame(
    [(user, item, at + 1) for user in range(USERS) for at, item in enumerate(ranked[user])],
    columns=Columns.UserItem + [Columns.Rank],
)
train = pd.DataFrame(
    [
        (user, item)
        for item in range(ITEMS)
        for user in rng.choice(TRAIN_USERS, popularity[item], replace=False)
    ],
    columns=Columns.UserItem,
)
assert train[Columns.User].nunique() == TRAIN_USERS

# Ranking, per user.
sizes = np.array([len(items) for items in relevant])
per_user = {}
for k in CUTS:
    # ranx divides average precision by |relevant|, rectools by k (or |relevant|); here it is
    # min(|relevant|, k), so that a perfect list of k items has 1.
    best = np.minimum(sizes, k)
    for name, second, from_ranx, from_rectools in [
        ("hit_rate", metrics.HitRate(k=k), 1, 1),
        ("recall", metrics.Recall(k=k), 1, 1),
        ("precision", metrics.Precision(k=k), 1, 1),
        # Without divide_by_achievable the ideal list has k hits even if fewer items are relevant.
        ("ndcg", metrics.NDCG(k=k, log_base=2, divide_by_achievable=True), 1, 1),
        ("mrr", metrics.MRR(k=k), 1, 1),
        ("map", metrics.MAP(k=k, divide_by_k=True), sizes / best, k / best),
    ]:
        key = f"{name}@{k}"
        first = ranx.evaluate(qrels, run, key, return_mean=False, make_comparable=True) * from_ranx
        values = second.calc_per_user(reco, interactions).reindex(range(USERS)) * from_rectools
        per_user[key] = agree(first, values).tolist()

# Beyond accuracy.
belongs = np.zeros((ITEMS, CATEGORIES), dtype=bool)
for item, list_ in enumerate(categories):
    belongs[item, list_] = True
known = belongs.any(axis=1)
distances = cdist(belongs, belongs, "jaccard")


class SetDistances(PairwiseDistanceCalculator):
    """1 - Jaccard of the categories, without scipy."""

    def _get_distances_for_item_pairs(self, items_0, items_1):
        pairs = [(set(categories[a]), set(categories[b])) for a, b in zip(items_0, items_1)]
        return np.array([1 - len(a & b) / len(a | b) for a, b in pairs])


beyond = {}
information = -np.log2(np.maximum(popularity, 1) / TRAIN_USERS)
weights = np.maximum(popularity, 1) ** -0.5
for k in CUTS:
    top = [items[:k] for items in ranked]
    exposure = np.bincount(np.concatenate(top).astype(int), minlength=ITEMS)
    beyond[f"coverage@{k}"] = agree(
        metrics.CatalogCoverage(k=k, normalize=True).calc(reco, range(ITEMS)),
        np.count_nonzero(exposure) / ITEMS,
    )

    # rectools too counts an unseen item as if one user had it, and leaves out who has no list.
    beyond[f"novelty@{k}"] = agree(
        metrics.MeanInvUserFreq(k=k).calc(reco, train),
        np.mean([information[items].mean() for items in top if items]),
    )

    apart = np.abs(exposure[:, None] - exposure[None, :]).sum()
    order = 2 * np.arange(1, ITEMS + 1) - ITEMS - 1
    beyond[f"gini@{k}"] = agree(
        apart / (2 * ITEMS**2 * exposure.mean()),
        (order * np.sort(exposure)).sum() / (ITEMS * exposure.sum()),
    )

    # Per user; NaN where no two items with categories are in the list. rectools says 0 there.
    per_list = np.full(USERS, np.nan)
    for user, items in enumerate(top):
        items = [item for item in items if known[item]]
        if len(items) > 1:
            per_list[user] = distances[items][:, items][np.triu_indices(len(items), 1)].mean()
    counts = ~np.isnan(per_list)
    # Places keep their numbers when the items without categories are taken out.
    second = metrics.IntraListDiversity(k=k, distance_calculator=SetDistances())
    second = second.calc_per_user(reco[known[reco[Columns.Item]]]).reindex(range(USERS))
    agree(per_list[counts], second[counts])
    beyond[f"diversity@{k}"] = float(per_list[counts].mean()) if counts.any() else None

    # Yang et al., "Unbiased offline recommender evaluation for missing-not-at-random implicit
    # feedback", RecSys 2018: self-normalised, propensity of an item ~ its count to the 1/2.
    pairs = [(item, item in top[user]) for user in range(USERS) for item in relevant[user]]
    weight = np.array([weights[item] for item, _ in pairs])
    found = np.array([hit for _, hit in pairs])
    beyond[f"debiased_hit_rate@{k}"] = agree(
        (weight * found).sum() / weight.sum(),
        recall_score(np.ones_like(found), found, sample_weight=weight),
    )

# Scores. Labels follow the truth; the first groups have one class only.
groups = np.append(np.arange(GROUPS), rng.integers(0, GROUPS, ROWS - GROUPS))
groups = rng.permutation(groups)
truth = rng.normal(scale=1.5, size=ROWS) + rng.normal(size=GROUPS)[groups]
labels = (rng.random(ROWS) < 1 / (1 + np.exp(-truth))).astype(int)
labels[groups < 4], labels[(groups >= 4) & (groups < 6)] = 0, 1
# Rounding makes ties, and some zeros that are -0.0.
scores = np.round(truth + rng.normal(scale=0.7, size=ROWS), 1).astype(np.float32)
logits = 1.6 * truth + 0.3 + rng.normal(scale=0.7, size=ROWS)
probabilities = (1 / (1 + np.exp(-logits))).astype(np.float32)
# The ends, right and wrong, and an edge between bins.
for label in [0, 1]:
    rows = rng.choice(np.nonzero(labels == label)[0], 8, replace=False)
    probabilities[rows] = [0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 0.5, 0.5]
scores, probabilities = scores.astype(np.float64), probabilities.astype(np.float64)


def auc(rows):
    """AUC of the rows of a mask; None where they have one class only."""
    up, down = scores[rows & (labels == 1)], scores[rows & (labels == 0)]
    if len(up) == 0 or len(down) == 0:
        return None
    wins = mannwhitneyu(up, down, method="asymptotic").statistic
    return agree(roc_auc_score(labels[rows], scores[rows]), wins / (len(up) * len(down)))


by_group = [(auc(groups == group), np.count_nonzero(groups == group)) for group in range(GROUPS)]
both = [(value, size) for value, size in by_group if value is not None]

# The probability of what happened is clipped, so each class is: clipping p alone would leave
# 1 - p = 9.992e-16 at the upper end, rounded in float64.
by_class = np.clip(np.column_stack([1 - probabilities, probabilities]), EDGE, 1 - EDGE)
loss = agree(log_loss(labels, by_class), -np.log(by_class[np.arange(ROWS), labels]).mean())

rows, edges = np.histogram(probabilities, bins=BINS, range=(0, 1))  # [lower, upper), last closed
predicted = np.histogram(probabilities, bins=edges, weights=probabilities)[0]
observed = np.histogram(probabilities, bins=edges, weights=labels)[0]
error = (rows / ROWS * np.abs(predicted / rows - observed / rows)).sum()
# calibration_curve has (lower, upper]: turned round, 1 - p has the same bins from the other end.
share, mean = calibration_curve(1 - labels, 1 - probabilities, n_bins=BINS, strategy="uniform")
agree(error, (rows[::-1] / ROWS * np.abs(mean - share)).sum())

golden = {
    "versions": {name: importlib.metadata.version(name) for name in LIBRARIES},
    "ranking": {
        "users_train": TRAIN_USERS,
        "items": ITEMS,
        "popularity": popularity.tolist(),
        "categories": categories,
        "relevant": relevant,
        "ranked": ranked,
        "k": CUTS,
        "per_user": per_user,
        "mean": {key: float(np.mean(values)) for key, values in per_user.items()},
        "beyond": {key: None if value is None else float(value) for key, value in beyond.items()},
    },
    "scores": {
        "groups": groups.tolist(),
        "scores": scores.tolist(),
        "probabilities": probabilities.tolist(),
        "labels": labels.tolist(),
        "auc": float(auc(np.ones(ROWS, dtype=bool))),
        "gauc": {
            "value": float(np.average([v for v, _ in both], weights=[size for _, size in both])),
            "groups": len(both),
            "groups_one_class": GROUPS - len(both),
        },
        "log_loss": float(loss),
        "calibration": {
            "ratio": float(probabilities.sum() / labels.sum()),
            "error": float(error),
        },
    },
}
path = pathlib.Path(__file__).with_name("metrics.json")
path.write_text(json.dumps(golden, separators=(",", ":"), allow_nan=False) + "\n")
