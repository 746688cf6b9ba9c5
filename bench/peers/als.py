"""The peer of `bench/compare als`: `implicit`, conjugate gradient, 2 threads.

    python3 als.py FACTORS PAIRS

One iteration a `run` (users given items, then items given users), through the same compiled
routine that its `fit` calls; `check` prints its own loss. Confidences are 1 + value, which is
what our alpha = 1 means.
"""
import json
import os
import sys
import time

for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):
    os.environ.pop(name, None)  # set for an old numpy in some places; they slow a current one down
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as implicit's own warning asks

import implicit.cpu.als as implicit_als  # noqa: E402
import numpy as np  # noqa: E402
import scipy.sparse as sparse  # noqa: E402

THREADS, L2, STEPS = 2, 0.01, 3


def main(factors, path):
    pairs = np.loadtxt(path, delimiter=",")
    users, items = pairs[:, 0].astype(int), pairs[:, 1].astype(int)
    by_user = sparse.csr_matrix((1 + pairs[:, 2].astype(np.float32), (users, items)))
    by_item = by_user.T.tocsr()
    model = implicit_als.AlternatingLeastSquares(
        factors=factors, regularization=L2, alpha=1.0, dtype=np.float32, use_native=True,
        use_cg=True, iterations=1, num_threads=THREADS, random_state=1)
    random = np.random.default_rng(1)
    x = (random.random((by_user.shape[0], factors)) * 0.01).astype(np.float32)
    y = (random.random((by_user.shape[1], factors)) * 0.01).astype(np.float32)
    solver = model.solver
    print(json.dumps({"ready": True, "facts": {"l2": L2, "alpha": 1.0}}), flush=True)
    for line in sys.stdin:
        asked = line.strip()
        if asked == "quit":
            break
        if asked == "run":
            begin = time.perf_counter()
            solver(by_user, x, y, L2, num_threads=THREADS)
            solver(by_item, y, x, L2, num_threads=THREADS)
            print(json.dumps({"seconds": time.perf_counter() - begin, "facts": {}}), flush=True)
        else:
            loss = implicit_als._als.calculate_loss(by_user, x, y, L2, num_threads=THREADS)
            print(json.dumps({"check": float(loss)}), flush=True)


main(int(sys.argv[1]), sys.argv[2])
