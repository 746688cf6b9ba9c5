"""1,000 recommend requests a second on ML-1M with item-kNN and ALS: p99 at most 15 ms.

There is no peer here: "peer" is the target, 15 ms, and the ratio is our p99 over it. The load is open-loop:
arrivals are a Poisson process fixed before the run, and a latency counts from the intended arrival, so a
request that had to queue pays for it. Server and generator share this machine's cores.
"""

import json
import urllib.request

from harness import children, environment, printing
from harness.settings import Settings
from harness.statistics import Case, Comparison, Spread
from harness.worker import Talking

from .import_movielens import RATINGS

MODELS = ("item-knn", "als")
RATE = 1000
SECONDS, QUICK_SECONDS = 30, 5
TARGET_MS = 15.0


def measure(settings: Settings) -> Comparison:
    ratings = environment.data(*RATINGS)
    binary = environment.binary(settings.ours)
    seconds = QUICK_SECONDS if settings.quick else SECONDS
    runs = settings.runs_or(usual=1, quick=1)
    with environment.scratch(1 << 30) as folder:
        log = folder / "log"
        printing.note("  importing and training")
        children.run([binary, "import", "movielens", ratings, "--into", log, "--json"])
        chosen = [word for model in MODELS for word in ("--model", model)]
        children.run([binary, "train", log, *chosen, "--json"], progress="training")
        command = [binary, "serve", log, "--listen", "127.0.0.1:0", "--json"]
        with Talking("serve", command, patience_s=60.0) as server:
            url = server.read("url")["url"]
            asked = sources(url)
            load = [binary, "bench", "load", "--url", url, "--rate", RATE, "--seconds", seconds,
                    "--pid", server.child.pid, "--json"]
            found = []
            for run in range(runs):
                found.append(children.run([*load, "--seed", run + 1], progress="load").answer)
                printing.note(f"  {run + 1} of {runs}: p99 {found[-1]['latency_ms']['p99']:.2f} ms")
            resident = peak_mib(server.child.pid)
    return judge(settings, seconds, found, asked, resident)


def judge(settings: Settings, seconds: int, found: list[dict], asked: set[str], resident: int) -> Comparison:
    p99 = [one["latency_ms"]["p99"] for one in found]
    case = Case("", Spread.of(p99), Spread.of([TARGET_MS]), 1.0)
    total = {key: sum(one[key] for one in found) for key in ("sent", "answered", "errors", "degraded", "sent_late")}
    case.agree = (
        total["errors"] == total["degraded"] == 0
        and total["answered"] == total["sent"]
        and asked == set(MODELS)
    )
    case.agreement = (
        f"{total['sent']:,} sent, {total['answered']:,} answered, {total['errors']} errors, {total['degraded']} "
        f"degraded; sources of an answer: {', '.join(sorted(asked)) or 'none'}"
    )
    cpu = Spread.of([one["server_cpu_us_per_request"] for one in found]).median
    middle = sorted(found, key=lambda one: one["latency_ms"]["p99"])[len(found) // 2]["latency_ms"]
    tail = ", ".join(f"{name} {middle[name]:.2f}" for name in ("p50", "p90", "p99", "p999", "max"))
    return Comparison(
        "serve", "ms (p99)", len(found), [case],
        ours_is=f"tastemaker serve under tastemaker bench load: {RATE:,} recommend/s for {seconds} s, k = 20",
        peer_is="no program: the target of 15 ms",
        notes=[
            f"latency from the intended arrival, ms: {tail}",
            f"server: {cpu:.0f} µs of CPU a request, {resident} MiB resident at most; "
            f"{total['sent_late']} requests left over 5 ms late (this machine was busy)",
        ],
        facts={"cpu_us_per_request": round(cpu), "latency_ms": middle, "rate": RATE, "seconds": seconds, **total},
        quick=settings.quick,
    )


def sources(url: str) -> set[str]:
    """The models that an answer names: the measured work is the intended one."""
    with urllib.request.urlopen(f"{url}/v1/users?k=1", timeout=10) as answer:
        user = json.load(answer)["users"][0]["id"]
    body = json.dumps({"user": user, "k": 20, "explain": True}).encode()
    request = urllib.request.Request(f"{url}/v1/recommend", body, {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        items = json.load(answer)["items"]
    return {source["name"] for item in items for source in item["sources"]}


def peak_mib(pid: int) -> int:
    with open(f"/proc/{pid}/status") as status:
        return int(next(line.split()[1] for line in status if line.startswith("VmHWM"))) // 1024
