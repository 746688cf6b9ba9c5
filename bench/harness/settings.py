"""What the command line chose."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Settings:
    """Chosen once, read everywhere."""

    json: bool
    """Machines read stdout: everything for people goes to stderr."""
    runs: int | None
    """Measured runs of each side; None: the comparison's own number."""
    quick: bool
    """Small and short: shows that the comparison works, not a number to quote."""
    ours: str | None
    """A tastemaker binary to measure instead of building one."""

    def runs_or(self, usual: int, quick: int) -> int:
        return self.runs or (quick if self.quick else usual)
