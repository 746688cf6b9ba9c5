"""Processes that a comparison starts: each in a session of its own, ended by its id whatever happens."""

import json
import os
import signal
import subprocess
import threading
import time
from dataclasses import dataclass

from . import printing

_running: list[subprocess.Popen] = []


class Failed(Exception):
    """A process that ended badly or said something unexpected."""


def start(command, **options) -> subprocess.Popen:
    """Starts a process; Ctrl-C reaches it through us only."""
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", **options.pop("env", {})}
    command = [str(part) for part in command]
    child = subprocess.Popen(command, start_new_session=True, env=environment, **options)
    _running.append(child)
    return child


def forget(child: subprocess.Popen) -> None:
    """Notes that a process has ended."""
    if child in _running:
        _running.remove(child)


def end(child: subprocess.Popen, patience_s: float = 10.0) -> None:
    """Asks a process to end, and ends it."""
    if child.poll() is None:
        child.terminate()
        try:
            child.wait(patience_s)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()
    forget(child)


def end_all() -> None:
    for child in list(_running):
        end(child, patience_s=3.0)


def hear_signals() -> None:
    """SIGTERM and SIGHUP end us as Ctrl-C does: through every `finally`."""

    def stop(_number, _frame):
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGHUP, stop)


@dataclass(frozen=True)
class Finished:
    """A command that ran to its end, as the operating system counted it."""

    seconds: float
    """Wall time from before its start to after its end."""
    cpu_seconds: float
    """User and system."""
    peak_bytes: int
    """Most resident memory."""
    answer: dict
    """The JSON object in the last line of its stdout, where there is one."""


def run(command, progress: str | None = None) -> Finished:
    """Runs a command whole. `progress`: say every few seconds that it still does, and its memory."""
    begun = time.perf_counter()
    quiet = subprocess.PIPE
    child = start(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=quiet)
    errors: list[bytes] = []
    drain = threading.Thread(target=lambda: errors.append(child.stderr.read()), daemon=True)
    drain.start()
    ended = threading.Event()
    teller = threading.Thread(target=_tell, args=(child.pid, progress, begun, ended), daemon=True)
    if progress:
        teller.start()
    try:
        told = child.stdout.read()
        _, status, used = os.wait4(child.pid, 0)
        seconds = time.perf_counter() - begun
        child.returncode = os.waitstatus_to_exitcode(status)
    finally:
        ended.set()
    forget(child)
    drain.join()
    if child.returncode != 0:
        last = b"".join(errors).decode(errors="replace").strip()[-2000:]
        raise Failed(f"{' '.join(map(str, command))}\nended with status {child.returncode}:\n{last}")
    lines = told.decode().strip().splitlines()
    answer = json.loads(lines[-1]) if lines and lines[-1].startswith("{") else {}
    # Linux counts ru_maxrss in KiB.
    return Finished(seconds, used.ru_utime + used.ru_stime, used.ru_maxrss * 1024, answer)


def _tell(pid: int, what: str, begun: float, ended: threading.Event) -> None:
    while not ended.wait(2.0):
        printing.note(f"  {what}: {time.perf_counter() - begun:.0f} s, {_resident_mib(pid)} MiB resident")


def _resident_mib(pid: int) -> str:
    try:
        with open(f"/proc/{pid}/status") as status:
            kib = next(line.split()[1] for line in status if line.startswith("VmRSS"))
        return str(int(kib) // 1024)
    except (OSError, StopIteration):
        return "?"
