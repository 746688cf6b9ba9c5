"""Processes that stay and answer in lines of JSON."""

import json
import os
import select
import subprocess
import sys
import time

from . import children
from .children import Failed


class Talking:
    """A process whose stdout is JSON objects, one a line; its stderr is ours."""

    def __init__(self, name: str, command, env: dict[str, str] | None = None, patience_s: float = 600.0):
        self.name = name
        self.patience_s = patience_s
        self._unread = b""
        pipe = subprocess.PIPE
        self.child = children.start(command, stdin=pipe, stdout=pipe, stderr=sys.stderr, env=env or {})

    def __enter__(self):
        return self

    def __exit__(self, *_):
        children.end(self.child)

    def read(self, key: str) -> dict:
        """The next object, which must have `key`."""
        until = time.monotonic() + self.patience_s
        while b"\n" not in self._unread:
            left = until - time.monotonic()
            if left <= 0 or not select.select([self.child.stdout], [], [], left)[0]:
                raise Failed(f"{self.name} said nothing for {self.patience_s:.0f} s")
            block = os.read(self.child.stdout.fileno(), 1 << 20)
            if not block:
                raise Failed(f"{self.name} ended early with status {self.child.wait()}")
            self._unread += block
        line, self._unread = self._unread.split(b"\n", 1)
        try:
            told = json.loads(line)
        except ValueError:
            raise Failed(f"{self.name} said {line[:200]!r}, expected a JSON object") from None
        if key not in told:
            raise Failed(f"{self.name} said {told}, expected {key!r}")
        return told


class Worker(Talking):
    """`run` on its stdin does one unit of work, timed by itself.

    It prints {"ready": true, "facts": {...}} once, for each `run` {"seconds": s, "facts": {...}}, for
    `check` {"check": ...}, and ends with `quit` or at the end of its input. Loading the data and
    starting the interpreter are outside of what is timed, on both sides.
    """

    def __init__(self, name: str, command, env: dict[str, str] | None = None, patience_s: float = 600.0):
        super().__init__(name, command, env, patience_s)
        try:
            self.facts: dict = self.read("ready").get("facts", {})
        except BaseException:
            children.end(self.child)
            raise

    def __exit__(self, *_):
        try:
            self._send("quit")
            self.child.wait(5.0)
        except (Failed, OSError, subprocess.TimeoutExpired):
            pass
        children.end(self.child)

    def run(self, word: str = "run") -> tuple[float, dict]:
        """One measured unit: its seconds, and what it says of it. Some workers know other words for other units."""
        self._send(word)
        told = self.read("seconds")
        return float(told["seconds"]), told.get("facts", {})

    def check(self):
        """What both sides should agree on."""
        self._send("check")
        return self.read("check")["check"]

    def _send(self, word: str) -> None:
        try:
            self.child.stdin.write(f"{word}\n".encode())
            self.child.stdin.flush()
        except BrokenPipeError:
            raise Failed(f"{self.name} ended early with status {self.child.wait()}") from None
