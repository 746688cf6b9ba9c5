"""Ours, peer, ours, peer: what disturbs one side of a pair disturbs the other as well."""

from collections.abc import Callable
from dataclasses import dataclass, field

from . import printing


@dataclass
class Series:
    """Measured values of both sides, pair by pair."""

    ours: list[float] = field(default_factory=list)
    peer: list[float] = field(default_factory=list)


def alternate(what: str, ours: Callable[[], float], peer: Callable[[], float], runs: int, warmups: int = 1) -> Series:
    """Runs both sides in turn, `warmups` uncounted pairs first."""
    series = Series()
    for run in range(-warmups, runs):
        pair = (ours(), peer())
        label = "warm-up" if run < 0 else f"{run + 1} of {runs}"
        printing.note(f"  {what} {label}: ours {pair[0]:.4g} s, peer {pair[1]:.4g} s")
        if run >= 0:
            series.ours.append(pair[0])
            series.peer.append(pair[1])
    return series
