"""The peer of `bench/compare ease`: numpy with all its threads.

    python3 ease.py L2 PAIRS OUT

Equation 8 of the paper: Gram matrix (scipy, sparse, the fastest way here), numpy's inverse in
float64, division by the diagonal; one fit a `run`, `check` writes the matrix as little-endian
f32.
"""
import json
import os
import sys
import time

for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):
    os.environ.pop(name, None)  # set for an old numpy in some places; they slow a current one down

import numpy as np  # noqa: E402
import scipy.sparse as sparse  # noqa: E402


def fit(x, l2):
    gram = (x.T @ x).toarray()
    gram[np.diag_indices_from(gram)] += l2
    p = np.linalg.inv(gram)
    weights = p / -np.diag(p)
    np.fill_diagonal(weights, 0.0)
    return weights


def main(l2, path, out):
    pairs = np.loadtxt(path, delimiter=",")
    ones = np.ones(len(pairs))
    x = sparse.csr_matrix((ones, (pairs[:, 0].astype(int), pairs[:, 1].astype(int))))
    x.data[:] = 1.0
    weights = None
    print(json.dumps({"ready": True, "facts": {"items": x.shape[1]}}), flush=True)
    for line in sys.stdin:
        asked = line.strip()
        if asked == "quit":
            break
        if asked == "run":
            begin = time.perf_counter()
            weights = fit(x, l2)
            print(json.dumps({"seconds": time.perf_counter() - begin, "facts": {}}), flush=True)
        else:
            if weights is None:
                weights = fit(x, l2)
            weights.astype("<f4").tofile(out)
            print(json.dumps({"check": out}), flush=True)


main(float(sys.argv[1]), sys.argv[2], sys.argv[3])
