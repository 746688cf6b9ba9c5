"""What a comparison stands on: the data, the peers' Python, our own release build."""

import fcntl
import json
import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path

from . import children, printing

ROOT = Path(__file__).resolve().parents[2]
BENCH = ROOT / "bench"

# Folder, requirements, what to say before it is made, and what pip must be told.
ENVIRONMENTS = {
    "": ("bench-venv", "requirements.txt", "once", []),
    "torch": ("torch-venv", "requirements-torch.txt", "once; with PyTorch: GBs to download, 6 GB on disk, minutes", []),
    "fbgemm": ("fbgemm-venv", "requirements-fbgemm.txt", "once; with PyTorch: GBs to download, 6 GB on disk, minutes", []),
    "ope": ("ope-venv", "requirements-ope.txt", "once", ["--no-deps", "--ignore-requires-python"]),
}


class Missing(Exception):
    """Something that the user must provide; exit status 3."""


class Failed(Exception):
    """Something that should have worked and did not; exit status 2."""


def data(*parts: str) -> Path:
    """A file or folder of the shared data."""
    folder = Path(os.environ.get("TASTEMAKER_DATA") or ROOT.parent / "shared" / "data")
    path = folder.joinpath(*parts)
    if not path.exists():
        raise Missing(
            f"{path} is not there. This comparison reads a data set that is not part of the checkout: put it into "
            f"{folder}, or say with TASTEMAKER_DATA=DIR where a folder with {'/'.join(parts)} lies"
        )
    return path


def python(kind: str = "") -> Path:
    """The interpreter of the peers' environment, which is made outside the checkout.

    "torch": another one, with PyTorch in it, so that nobody downloads that for the other comparisons.
    "fbgemm": another one, with FBGEMM and the PyTorch that it was built for.
    "ope": another one, with obp in it, whose own pins no current Python can meet.
    """
    name, file, warning, options = ENVIRONMENTS[kind]
    requirements = BENCH / file
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tastemaker"
    cache.mkdir(parents=True, exist_ok=True)
    place = cache / name
    wanted = f"{sys.version}\n{requirements.read_text()}"
    made = place / "made-from.txt"
    with open(cache / f"{name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (made.exists() and made.read_text() == wanted):
            printing.note(f"making the peers' environment in {place} ({warning})")
            step([sys.executable, "-m", "venv", "--clear", str(place)], "making the environment")
            pip = [str(place / "bin" / "python"), "-m", "pip", "install", "--quiet", "--no-input",
                   "--disable-pip-version-check", *options, "-r", str(requirements)]
            step(pip, "installing the peers")
            made.write_text(wanted)
    return place / "bin" / "python"


def binary(chosen: str | None) -> Path:
    """Our command line, built in release (where cargo puts it: CARGO_TARGET_DIR is honoured)."""
    if chosen:
        path = Path(chosen).resolve()
        if not os.access(path, os.X_OK):
            raise Failed(f"--ours {chosen}: no program that can be run")
        return path
    return build(["-p", "tastemaker", "--bin", "tastemaker"], "tastemaker")


def example(package: str, name: str) -> Path:
    """An example of one of our crates, built in release."""
    return build(["-p", package, "--example", name], name)


def build(which: list[str], name: str) -> Path:
    if shutil.which("cargo") is None:
        raise Missing("cargo is not on PATH: install the Rust toolchain that rust-version in Cargo.toml names")
    printing.note(f"building {name} (release)")
    command = ["cargo", "build", "--release", "--message-format", "json-render-diagnostics", *which]
    told = step(command, f"building {name}", capture=True)
    for line in told.splitlines():
        message = json.loads(line) if line.startswith("{") else {}
        if message.get("target", {}).get("name") == name and message.get("executable"):
            return Path(message["executable"])
    raise Failed(f"cargo built {name} and named no program")


def step(command: list[str], what: str, capture: bool = False) -> str:
    """Runs a preparation; what it prints goes to stderr, or is given back."""
    child = children.start(
        command, cwd=ROOT, text=True, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE if capture else sys.stderr,
    )
    told, _ = child.communicate()
    children.forget(child)
    if child.returncode != 0:
        raise Failed(f"{what}: {' '.join(command)} ended with status {child.returncode}")
    return told or ""


@contextmanager
def scratch(bytes_needed: int = 0):
    """A temporary folder (TMPDIR is honoured) that is gone afterwards."""
    free = shutil.disk_usage(tempfile.gettempdir()).free
    if free < bytes_needed:
        raise Missing(
            f"{tempfile.gettempdir()} has {free / 1e9:.1f} GB free, this needs {bytes_needed / 1e9:.1f}: "
            "name another folder with TMPDIR=DIR"
        )
    with tempfile.TemporaryDirectory(prefix="tastemaker-bench-") as folder:
        yield Path(folder)
