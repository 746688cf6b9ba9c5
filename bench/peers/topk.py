"""The peer of `bench/compare topk`: faiss, a flat index of inner products, two threads.

    python3 topk.py make ROWS BATCH ITEMS QUERIES
    python3 topk.py BATCH K ITEMS QUERIES OUT

The first writes the vectors of both sides: N(0, 1), seeded, little-endian f32, 64 columns. The second searches
once a `run`; `check` writes the rows found as u32 `[BATCH, K]`, then the scores as f32.
"""
import json
import sys
import time

import numpy as np

WIDTH = 64
SEED = 20
THREADS = 2


def make(rows, batch, items, queries):
    random = np.random.default_rng(SEED)
    random.standard_normal((rows, WIDTH), dtype=np.float32).astype("<f4").tofile(items)
    random.standard_normal((batch, WIDTH), dtype=np.float32).astype("<f4").tofile(queries)
    print(json.dumps({"rows": rows}), flush=True)


def main(batch, k, items, queries, out):
    import faiss

    faiss.omp_set_num_threads(THREADS)
    index = faiss.IndexFlatIP(WIDTH)
    index.add(np.fromfile(items, dtype="<f4").reshape(-1, WIDTH))
    wanted = np.fromfile(queries, dtype="<f4").reshape(-1, WIDTH)[:batch]
    facts = {"rows": index.ntotal, "faiss": faiss.__version__, "options": faiss.get_compile_options().strip()}
    print(json.dumps({"ready": True, "facts": facts}), flush=True)
    for line in sys.stdin:
        asked = line.strip()
        if asked == "quit":
            break
        if asked == "run":
            begin = time.perf_counter()
            index.search(wanted, k)
            print(json.dumps({"seconds": time.perf_counter() - begin, "facts": {}}), flush=True)
        else:
            scores, rows = index.search(wanted, k)
            with open(out, "wb") as file:
                file.write(rows.astype("<u4").tobytes())
                file.write(scores.astype("<f4").tobytes())
            print(json.dumps({"check": out}), flush=True)


if sys.argv[1] == "make":
    make(int(sys.argv[2]), int(sys.argv[3]), sys.argv[4], sys.argv[5])
else:
    main(int(sys.argv[1]), int(sys.argv[2]), *sys.argv[3:6])
