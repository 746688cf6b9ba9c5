"""Seven estimates of another policy's value, each with its interval, from 10,000 rows: ours against obp.

The rows are the uniform policy's in the small Open Bandit Dataset (men). The policy in question and the reward
estimates are tables of item and place in crates/evaluate/tests/golden/open_bandit.json, made by obp. Both are
warm processes that have read rows and tables; a run is the seven values and their 95 % intervals by 1,000
bootstraps over rows.

Our side reads a log that `tastemaker import open-bandit` made of the same file. A `check` of either side is
{"ips": [value, low, high], ...}, named as in the golden file.

obp draws anew for each estimator, and takes the denominators of SNIPS and SNDR from the rows as they are; ours
draws once for all and resamples denominators too. On these rows that moves an end by less than the draws do.
"""

from harness import children, environment
from harness.alternate import alternate
from harness.settings import Settings
from harness.statistics import Case, Comparison, Spread
from harness.worker import Worker

from .pairs import THREADS, peer

ROWS = ("open-bandit", "random", "men", "men.csv.gz")
GOLDEN = environment.ROOT / "crates" / "evaluate" / "tests" / "golden" / "open_bandit.json"
REPLICATES = 1000
TARGET = 0.05
APART_MAX = 1e-6
ENDS_APART_MAX = 0.1
"""Of the width of the interval. With 1,000 replicates an end strays by 2 % of it, on each side."""


def measure(settings: Settings) -> Comparison:
    rows = environment.data(*ROWS)
    python, binary = environment.python("ope"), environment.binary(settings.ours)
    program = environment.example("evaluate", "bench_ope")
    runs = settings.runs_or(usual=11, quick=3)
    peer_command = [python, peer("ope.py"), rows.parents[2], GOLDEN, REPLICATES]
    with environment.scratch(1 << 26) as folder:
        log = folder / "log"
        children.run([binary, "import", "open-bandit", rows.parent, "--into", log])
        command = [program, log, GOLDEN, REPLICATES]
        with (
            Worker("bench_ope", command, env={"RAYON_NUM_THREADS": str(THREADS)}) as our_side,
            Worker("obp", peer_command) as peer_side,
        ):
            series = alternate("ope", lambda: our_side.run()[0], lambda: peer_side.run()[0], runs)
            found, reference = our_side.check(), peer_side.check()
            facts = {"ours": our_side.facts, "peer": peer_side.facts}
    case = Case("", Spread.of(series.ours), Spread.of(series.peer), TARGET)
    case.agree, case.agreement = same(found, reference)
    if any(facts["ours"].get(key) != facts["peer"][key] for key in ("rows", "replicates")):
        case.agree, case.agreement = False, f"ours did {facts['ours']}, the peer {facts['peer']}"
    return Comparison(
        "ope", "s", runs, [case],
        ours_is=f"evaluate::policy, {REPLICATES:,} replicates, {THREADS} threads",
        peer_is=f"obp {facts['peer']['obp']}: estimate_policy_values and estimate_intervals, numpy "
        f"{facts['peer']['numpy']}, one thread (it uses no more)",
        facts=facts,
        quick=settings.quick,
    )


def same(ours: dict, peers: dict) -> tuple[bool, str]:
    """Whether values are equal, and ends of intervals as close as draws allow."""
    if ours.keys() != peers.keys():
        return False, f"ours has {', '.join(ours)}; the peer {', '.join(peers)}"
    values, ends = {}, {}
    for name, (value, low, high) in peers.items():
        our_value, our_low, our_high = ours[name]
        values[name] = abs(our_value - value)
        ends[name] = max(abs(our_low - low), abs(our_high - high)) / (high - low)
    # A comparison with NaN is false: it would hide in a maximum.
    agree = all(apart <= APART_MAX for apart in values.values())
    agree = agree and all(apart <= ENDS_APART_MAX for apart in ends.values())
    far, wide = max(values, key=values.get), max(ends, key=ends.get)
    return agree, (
        f"{len(values)} values at most {values[far]:.1e} apart, {far} (at most {APART_MAX:g}); ends of intervals at "
        f"most {100 * ends[wide]:.1f} % of the width, {wide} (at most {100 * ENDS_APART_MAX:g} %)"
    )
