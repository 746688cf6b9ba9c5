"""ML-1M as plain pairs for both sides of `als` and `ease`, and our side's program."""

from contextlib import contextmanager
from pathlib import Path

from harness import children, environment, printing

from .import_movielens import RATINGS

THREADS = 2


@contextmanager
def pairs():
    """A temporary folder with `pairs.csv` in it."""
    ratings = environment.data(*RATINGS)
    with environment.scratch(1 << 30) as folder:
        printing.note("  unpacking the ratings")
        children.run([environment.python(), peer("ml1m.py"), ratings, folder / "pairs.csv"])
        yield folder


def ours() -> tuple[Path, dict[str, str]]:
    """Our program, and the environment that gives it its threads."""
    return environment.example("retrieve", "bench_factor"), {"RAYON_NUM_THREADS": str(THREADS)}


def peer(name: str) -> Path:
    return environment.BENCH / "peers" / name
