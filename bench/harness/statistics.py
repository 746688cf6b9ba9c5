"""Numbers of one side, numbers of a comparison."""

import statistics
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Spread:
    """Five numbers that say how far the runs lay apart."""

    minimum: float
    lower_quartile: float
    median: float
    upper_quartile: float
    maximum: float

    @staticmethod
    def of(values: list[float]) -> "Spread":
        lower, median, upper = (
            statistics.quantiles(values, n=4, method="inclusive") if len(values) > 1 else values * 3
        )
        return Spread(min(values), lower, median, upper, max(values))

    def as_json(self) -> dict:
        return {
            "min": significant(self.minimum), "q1": significant(self.lower_quartile),
            "median": significant(self.median), "q3": significant(self.upper_quartile),
            "max": significant(self.maximum),
        }


@dataclass
class Case:
    """One row of the table."""

    name: str
    """Empty where the comparison has one case only."""
    ours: Spread
    peer: Spread
    target: float
    """Largest ratio ours / peer that was asked for."""
    agree: bool = True
    """Whether both sides did the same work."""
    agreement: str = ""
    """How that was found, with the numbers."""

    @property
    def ratio(self) -> float:
        return self.ours.median / self.peer.median

    @property
    def ok(self) -> bool:
        return self.agree and self.ratio <= self.target


@dataclass
class Comparison:
    """Everything that one run of a comparison found."""

    name: str
    unit: str
    runs: int
    cases: list[Case]
    ours_is: str
    peer_is: str
    notes: list[str] = field(default_factory=list)
    """Further facts for people."""
    facts: dict = field(default_factory=dict)
    """The same for machines."""
    quick: bool = False
    noise: str = ""

    def as_json(self) -> dict:
        def by_case(value):
            if len(self.cases) == 1 and not self.cases[0].name:
                return value(self.cases[0])
            return {case.name: value(case) for case in self.cases}

        return {
            "name": self.name,
            "ours": by_case(lambda case: significant(case.ours.median)),
            "peer": by_case(lambda case: significant(case.peer.median)),
            "ratio": by_case(lambda case: significant(case.ratio)),
            "unit": self.unit,
            "runs": self.runs,
            "spread": by_case(lambda case: {"ours": case.ours.as_json(), "peer": case.peer.as_json()}),
            "target": by_case(lambda case: case.target),
            "ok": all(case.ok for case in self.cases),
            "agree": all(case.agree for case in self.cases),
            "agreement": by_case(lambda case: case.agreement),
            "facts": self.facts,
            "noise": self.noise,
            "quick": self.quick,
        }


def significant(value: float, digits: int = 4) -> float:
    """Rounded to what a stopwatch can tell."""
    return float(f"{value:.{digits}g}")
