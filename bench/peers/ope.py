"""The peer of `bench/compare ope`: the Open Bandit Pipeline (obp).

    python3 ope.py FOLDER GOLDEN REPLICATES

FOLDER is the small Open Bandit Dataset, GOLDEN the tables of open_bandit.json. A `run` is the seven
values and their intervals, as `OffPolicyEvaluation` makes them; reading the rows and laying the
tables out row by row, as obp wants them, is before it. `check` prints value, low and high by name.
"""
import csv
import gzip
import json
import os
import sys
import time
from pathlib import Path
from unittest import mock

for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):
    os.environ.pop(name, None)  # set for an old numpy in some places; they slow a current one down

import numpy as np  # noqa: E402

# Only obp's neural policies use torch, but `import obp` imports it: a stand-in will do. Two things
# must be classes: what their data derive from, and what scipy compares the type of arrays with.
torch = mock.MagicMock(Tensor=type("Tensor", (), {}), **{"utils.data.Dataset": object})
sys.modules.update(dict.fromkeys(["torch", "torch.nn", "torch.nn.functional", "torch.optim"], torch))
import obp  # noqa: E402
from obp import ope  # noqa: E402

SEED = 1
ESTIMATORS = [
    ope.InverseProbabilityWeighting(estimator_name="ips"),
    ope.SelfNormalizedInverseProbabilityWeighting(estimator_name="snips"),
    ope.DirectMethod(estimator_name="dm"),
    ope.DoublyRobust(estimator_name="dr"),
    ope.SelfNormalizedDoublyRobust(estimator_name="sndr"),
    ope.SwitchDoublyRobust(lambda_=2.0, estimator_name="switch-dr-2"),
    ope.DoublyRobustWithShrinkage(lambda_=10.0, estimator_name="dros-10"),
]


def rows_of(folder):
    with gzip.open(Path(folder, "random", "men", "men.csv.gz"), "rt", newline="") as file:
        rows = list(csv.DictReader(file))
    return {
        "action": np.array([int(row["item_id"]) for row in rows]),
        "position": np.array([int(row["position"]) - 1 for row in rows]),
        "reward": np.array([float(row["click"]) for row in rows]),
        "pscore": np.array([float(row["propensity_score"]) for row in rows]),
        "context": np.zeros((len(rows), 1)),
    }


def estimate(feedback, target, estimates, replicates):
    evaluation = ope.OffPolicyEvaluation(feedback, ESTIMATORS)
    values = evaluation.estimate_policy_values(target, estimates)
    intervals = evaluation.estimate_intervals(
        target, estimates, n_bootstrap_samples=replicates, random_state=SEED)
    return {
        name: [float(value), *(float(intervals[name][f"95.0% CI ({end})"]) for end in ("lower", "upper"))]
        for name, value in values.items()
    }


def main(folder, golden, replicates):
    feedback = rows_of(folder)
    rows = len(feedback["action"])
    tables = json.loads(Path(golden).read_text())
    target, estimates = (np.tile(tables[name], (rows, 1, 1)) for name in ("target", "estimates"))
    facts = {"rows": rows, "replicates": replicates, "obp": obp.__version__, "numpy": np.__version__}
    print(json.dumps({"ready": True, "facts": facts}), flush=True)
    for line in sys.stdin:
        asked = line.strip()
        if asked == "quit":
            break
        if asked == "run":
            begin = time.perf_counter()
            estimate(feedback, target, estimates, replicates)
            print(json.dumps({"seconds": time.perf_counter() - begin, "facts": {}}), flush=True)
        else:
            found = estimate(feedback, target, estimates, replicates)
            print(json.dumps({"check": found}), flush=True)


main(*sys.argv[1:3], int(sys.argv[3]))
