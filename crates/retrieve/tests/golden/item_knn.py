"""Golden similarities for item-kNN, written to item_knn.json beside this file.

Cosine, TF-IDF and BM25 come from the library `implicit` (0.7.3); the variants that it lacks
(shrinkage, half-life) from the formulas in src/item_knn, written out in dense numpy, which is
first checked against the library. Run: pip install implicit==0.7.3; python item_knn.py
"""

import json
import pathlib

import implicit.nearest_neighbours as nn
import numpy as np
import scipy.sparse as sparse

USERS, ITEMS, DAY = 24, 15, 86_400_000
K1, B, SHRINKAGE, HALF_LIFE = 1.2, 0.75, 3.0, 20.0

rng = np.random.default_rng(7)
events = []  # (user, item, day), oldest first within a user
for user in range(USERS):
    taken = rng.choice(ITEMS, size=rng.integers(2, 10), replace=False)
    # Every item gets somebody.
    taken = np.unique(np.append(taken, user % ITEMS))
    repeats = np.repeat(taken, rng.integers(1, 4, size=len(taken)))
    rng.shuffle(repeats)
    days = np.sort(rng.integers(0, 100, size=len(repeats)))
    events += [(user, int(i), int(d)) for i, d in zip(repeats, days)]
end = max(day for _, _, day in events)


def matrix(half_life):
    x = np.zeros((USERS, ITEMS))
    for user, item, day in events:
        x[user, item] += 2.0 ** (-(end - day) / half_life) if half_life else 1.0
    return x


def dense(kind, shrinkage=0.0, half_life=0.0):
    x = matrix(half_life)
    taken = x > 0
    idf = np.maximum(0.0, np.log(ITEMS) - np.log1p(taken.sum(axis=1)))[:, None]
    if kind == "cosine":
        w = x
    elif kind == "tf-idf":
        w = np.sqrt(x) * idf
    else:
        sums = x.sum(axis=0)
        length = 1.0 - B + B * sums / sums.mean()
        w = x * (K1 + 1.0) / (x + K1 * length[None, :]) * idf
    if kind != "bm25":
        w = w / np.linalg.norm(w, axis=0)
    shared = taken.astype(float).T @ taken.astype(float)
    return (w.T @ w) * shared / np.maximum(shared + shrinkage, 1e-12)


def library(model):
    model.fit(sparse.csr_matrix(matrix(0.0)), show_progress=False)
    return model.similarity.toarray()


def pairs(similarities):
    return [
        [i, j, similarities[i, j]]
        for i in range(ITEMS)
        for j in range(ITEMS)
        if i != j and similarities[i, j] > 1e-12
    ]


cases = []
for kind, model in [
    ("cosine", nn.CosineRecommender(K=ITEMS)),
    ("tf-idf", nn.TFIDFRecommender(K=ITEMS)),
    ("bm25", nn.BM25Recommender(K=ITEMS, K1=K1, B=B)),
]:
    theirs = library(model)
    assert np.allclose(theirs, dense(kind), rtol=1e-9, atol=1e-12), kind
    cases.append({"similarity": kind, "shrinkage": 0.0, "half_life_days": 0.0, "pairs": pairs(theirs)})
    varied = dense(kind, SHRINKAGE, HALF_LIFE)
    cases.append(
        {"similarity": kind, "shrinkage": SHRINKAGE, "half_life_days": HALF_LIFE, "pairs": pairs(varied)}
    )

golden = {
    "users": USERS,
    "items": ITEMS,
    "bm25_k1": K1,
    "bm25_b": B,
    "end_ms": end * DAY,
    "events": [[user, item, day * DAY] for user, item, day in events],
    "cases": cases,
}
path = pathlib.Path(__file__).with_suffix(".json")
path.write_text(json.dumps(golden) + "\n")
