"""Golden numbers for implicit ALS and EASE.

    pip install implicit==0.7.3 numpy scipy
    OPENBLAS_NUM_THREADS=1 python3 factor.py > factor.json

ALS: half-steps (exact and three conjugate gradient steps) and losses by the compiled routines of
`implicit`, in float64, from the same beginning; the exact rows once more by numpy from equations
4 and 5 of Hu, Koren, Volinsky (ICDM 2008), as a check of what the matrix given to `implicit` means:
the confidence itself, 1 + alpha x value. Folding in: `implicit`'s recalculate_user.
EASE: Steck (WWW 2019), equation 8, by numpy's general inverse, in float64.
"""
import json

import numpy as np
import scipy.sparse as sparse
from implicit.cpu import _als
from implicit.cpu.als import AlternatingLeastSquares

USERS, ITEMS, FACTORS = 9, 7, 5
L2, ALPHA, EASE_L2, STEPS = 0.3, 2.0, 1.5, 3
random = np.random.default_rng(20261125)
values = np.where(random.random((USERS, ITEMS)) < 0.45, random.integers(1, 6, (USERS, ITEMS)), 0)
values[3] = 0  # a user without an event
values[:, 5] = 0  # an item without one
events = [[int(u), int(i), float(values[u, i])] for u, i in zip(*np.nonzero(values))]

met = values > 0
confidence = np.where(met, 1 + ALPHA * values, 1.0)
by_user = sparse.csr_matrix(np.where(met, confidence, 0.0).astype(np.float32))
by_item = by_user.T.tocsr()
start_users = np.round(random.random((USERS, FACTORS)), 3)
start_items = np.round(random.random((ITEMS, FACTORS)), 3)


def run(solve, iterations):
    """User factors after the first half-step, then losses and both tables after each iteration."""
    x, y = start_users.copy(), start_items.copy()
    first, losses = None, []
    for _ in range(iterations):
        solve(by_user, x, y)
        first = x.copy() if first is None else first
        solve(by_item, y, x)
        losses.append(float(_als.calculate_loss(by_user, x, y, L2, num_threads=1)))
    return {"first_users": first.tolist(), "losses": losses, "users": x.tolist(), "items": y.tolist()}, y


exact, y = run(lambda c, x, y: _als.least_squares(c, x, y, L2, num_threads=1), 3)
steps, _ = run(lambda c, x, y: _als.least_squares_cg(c, x, y, L2, num_threads=1, cg_steps=STEPS), 3)

for u in range(USERS):
    a = start_items.T @ (confidence[u][:, None] * start_items) + L2 * np.eye(FACTORS)
    by_hand = np.linalg.solve(a, start_items.T @ (confidence[u] * met[u]))
    assert np.allclose(by_hand, exact["first_users"][u], atol=1e-5), u
error = (confidence * (met - np.array(exact["users"]) @ y.T) ** 2).sum()
norms = (np.array(exact["users"]) ** 2).sum() + (y**2).sum()
assert np.isclose((error + L2 * norms) / confidence.sum(), exact["losses"][-1], rtol=1e-6)

# A history that nobody had, folded into the exact model.
model = AlternatingLeastSquares(factors=FACTORS, regularization=L2, alpha=1.0, dtype=np.float64, num_threads=1)
model.item_factors = y
history = [[6, 3.0], [0, 1.0], [6, 1.0]]  # the sum of item 6 is 4
row = sparse.csr_matrix(([1 + ALPHA * 1.0, 1 + ALPHA * 4.0], ([0, 0], [0, 6])), shape=(1, ITEMS))
folded = model.recalculate_user(0, row.astype(np.float32))

x = met.astype(float)
p = np.linalg.inv(x.T @ x + EASE_L2 * np.eye(ITEMS))
b = -p / np.diag(p)[None, :]
np.fill_diagonal(b, 0.0)

print(json.dumps({
    "users": USERS, "items": ITEMS, "factors": FACTORS, "l2": L2, "alpha": ALPHA, "cg_steps": STEPS,
    "ease_l2": EASE_L2, "events": events, "start_users": start_users.tolist(),
    "start_items": start_items.tolist(), "exact": exact, "steps": steps,
    "history": history, "folded": folded.tolist(), "ease": b.tolist(),
}))
