"""Golden scores for the co-visitation walk, written to walk.json beside this file.

The graph is built from the formula in src/walk/graph.rs in dense numpy; where the walk ends up
comes from personalised PageRank of the library `networkx`.
Run: pip install networkx numpy scipy; python walk.py
"""

import json
import pathlib

import networkx as nx
import numpy as np

USERS, ITEMS, HOUR = 30, 20, 3_600_000
WINDOW, GAP_HOURS, BACKWARD, HALF_LIFE_DAYS, PENALTY = 3, 40.0, 0.5, 10.0, 0.6
RESTART, HISTORY_HALF_LIFE = 0.3, 4.0

rng = np.random.default_rng(11)
events = []  # (user, item, hour), oldest first within a user
for user in range(USERS):
    count = rng.integers(3, 15)
    hours = np.sort(rng.integers(0, 400, size=count))
    events += [(user, int(rng.integers(0, ITEMS)), int(hour)) for hour in hours]
end = max(hour for _, _, hour in events)

weights = np.zeros((ITEMS, ITEMS))
for user in range(USERS):
    row = [(item, hour) for u, item, hour in events if u == user]
    row = [visit for at, visit in enumerate(row) if at == 0 or visit[0] != row[at - 1][0]]
    for at, (i, from_hour) in enumerate(row):
        for apart in range(1, WINDOW + 1):
            if at + apart >= len(row):
                break
            j, to_hour = row[at + apart]
            if i == j or to_hour - from_hour > GAP_HOURS:
                continue
            weight = 2.0 ** (-(end - to_hour) / 24.0 / HALF_LIFE_DAYS) / apart
            weights[i, j] += weight
            weights[j, i] += weight * BACKWARD
strength = weights.sum(axis=0)
weights /= np.where(strength > 0, strength, 1.0) ** PENALTY
assert (weights.sum(axis=1) > 0).all(), "networkx treats dead ends in its own way: avoid them"
graph = nx.from_numpy_array(weights, create_using=nx.DiGraph)

queries = []
for history in [[3], [5, 9, 2], [int(i) for i in rng.permutation(ITEMS)[:8]]]:
    start = {item: 2.0 ** (-age / HISTORY_HALF_LIFE) for age, item in enumerate(history[::-1])}
    rank = nx.pagerank(graph, alpha=1 - RESTART, personalization=start, tol=1e-12, max_iter=1000)
    queries.append({"history": history, "scores": [rank[item] / RESTART for item in range(ITEMS)]})

golden = {
    "users": USERS,
    "items": ITEMS,
    "end_ms": end * HOUR,
    "config": {
        "window": WINDOW,
        "gap_hours_max": GAP_HOURS,
        "backward": BACKWARD,
        "half_life_days": HALF_LIFE_DAYS,
        "popularity_penalty": PENALTY,
        "neighbours": ITEMS,
        "restart": RESTART,
        "pushes_max": 100_000,
        "history_half_life_events": HISTORY_HALF_LIFE,
    },
    "events": [[user, item, hour * HOUR] for user, item, hour in events],
    "edges": [
        [i, j, weights[i, j] / weights[i].sum()]
        for i in range(ITEMS)
        for j in range(ITEMS)
        if weights[i, j] > 0
    ],
    "queries": queries,
}
path = pathlib.Path(__file__).with_suffix(".json")
path.write_text(json.dumps(golden) + "\n")
