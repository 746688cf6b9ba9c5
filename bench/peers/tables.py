"""The peers of `bench/compare lookup` and `update`: torch.nn.EmbeddingBag, and FBGEMM's batched tables; two threads.

    python3 tables.py make ROWS IDS KEYS
    python3 tables.py lookup DTYPE ROWS IDS OUT
    python3 tables.py update adagrad ROWS IDS OUT
    python3 tables.py lookup|update fbgemm ROWS IDS OUT
    python3 tables.py apart ONE OTHER

The first writes the ids of both sides, little-endian u64 [26, 4096, 20], Zipf 1.05 over ROWS rows of each feature,
popular rows scattered; KEYS has the same as 64-bit keys. `check` is as in crates/tables/examples/bench_tables.rs, which
says what the rows are. The last prints the largest difference of two such files.
"""
import json
import sys
import time

import numpy as np

FEATURES, BATCH, IDS, WIDTH = 26, 4096, 20, 64
SEED, THREADS, ZIPF = 26, 2, 1.05


def make(rows, ids, keys):
    random = np.random.default_rng(SEED)
    share = np.cumsum(1.0 / np.arange(1, rows + 1) ** ZIPF)
    drawn = np.empty((FEATURES, BATCH * IDS), dtype="<u8")
    for feature in range(FEATURES):
        ranks = np.searchsorted(share, random.random(BATCH * IDS) * share[-1])
        drawn[feature] = random.permutation(rows)[np.minimum(ranks, rows - 1)]
    drawn.tofile(ids)
    with np.errstate(over="ignore"):
        mixed = drawn * np.uint64(0x9E3779B97F4A7C15)
    ((mixed << np.uint64(17)) | (mixed >> np.uint64(47))).astype("<u8").tofile(keys)
    print(json.dumps({"distinct": int(sum(len(np.unique(own)) for own in drawn))}), flush=True)


def apart(one, other):
    a, b = (np.fromfile(path, dtype="<f4") for path in (one, other))
    same = a.shape == b.shape and bool(np.isfinite(a).all() and np.isfinite(b).all())
    print(json.dumps({"apart": float(np.abs(a - b).max()) if same else None, "largest": float(np.abs(b).max())}))


def bags(rows, table, values, offsets, sparse):
    """EmbeddingBag, and what torch has to update it."""
    import torch

    bags = [
        torch.nn.EmbeddingBag(rows, WIDTH, mode="sum", sparse=sparse, _weight=table.clone()) for _ in range(FEATURES)
    ]
    optimiser = torch.optim.Adagrad([bag.weight for bag in bags], lr=0.01, eps=1e-8) if sparse else None

    def pool():
        return torch.cat([bag(own, offsets) for bag, own in zip(bags, values)], dim=1)

    def run():
        optimiser.zero_grad()
        (0.5 * pool().square().sum()).backward()
        optimiser.step()

    return pool, run, torch.__version__


def batched(rows, table, values):
    """All tables in one operator, whose backward pass takes the step of row-wise Adagrad."""
    from importlib.metadata import version

    import torch
    from fbgemm_gpu.split_embedding_configs import EmbOptimType
    from fbgemm_gpu.split_table_batched_embeddings_ops_common import EmbeddingLocation
    from fbgemm_gpu.split_table_batched_embeddings_ops_training import (
        ComputeDevice,
        SplitTableBatchedEmbeddingBagsCodegen,
    )

    tables = SplitTableBatchedEmbeddingBagsCodegen(
        [(rows, WIDTH, EmbeddingLocation.HOST, ComputeDevice.CPU)] * FEATURES,
        optimizer=EmbOptimType.EXACT_ROWWISE_ADAGRAD,
        learning_rate=0.01,
        eps=1e-8,
    )
    for own in tables.split_embedding_weights():
        own.copy_(table)
    ids, offsets = values.reshape(-1), torch.arange(0, FEATURES * BATCH * IDS + 1, IDS)

    def pool():
        return tables(ids, offsets)

    def run():
        (0.5 * pool().square().sum()).backward()

    return pool, run, f"{torch.__version__}, fbgemm {version('fbgemm-gpu-cpu')}"


def without_gradient(pool):
    import torch

    with torch.no_grad():
        pool()


def main(what, kind, rows, ids, out):
    import torch

    torch.set_num_threads(THREADS)
    values = torch.from_numpy(np.fromfile(ids, dtype="<u8").astype(np.int64)).view(FEATURES, -1)
    offsets = torch.arange(0, BATCH * IDS, IDS)
    table = ((31 * torch.arange(rows)[:, None] + 17 * torch.arange(WIDTH)) % 256).float() / 1024 - 0.125
    dtype = torch.bfloat16 if kind == "bf16" else torch.float32
    sparse = what == "update"
    if kind == "fbgemm":
        pool, run, version = batched(rows, table, values)
    else:
        pool, run, version = bags(rows, table.to(dtype), values, offsets, sparse)

    facts = {"rows": rows * FEATURES, "torch": version}
    print(json.dumps({"ready": True, "facts": facts}), flush=True)
    for line in sys.stdin:
        asked = line.strip()
        if asked == "quit":
            break
        if asked == "run":
            begin = time.perf_counter()
            run() if sparse else without_gradient(pool)
            print(json.dumps({"seconds": time.perf_counter() - begin, "facts": {}}), flush=True)
        else:
            with torch.no_grad():
                pool().float().numpy().astype("<f4").tofile(out)
            print(json.dumps({"check": out}), flush=True)


if sys.argv[1] == "make":
    make(int(sys.argv[2]), *sys.argv[3:5])
elif sys.argv[1] == "apart":
    apart(*sys.argv[2:4])
else:
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), *sys.argv[4:6])
