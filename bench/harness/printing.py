"""What people read: notes on stderr while it runs, one table at the end."""

import inspect
import sys

from . import machine


def note(text: str) -> None:
    """Progress and errors; never on stdout."""
    print(text, file=sys.stderr, flush=True)


def first_line(text: str) -> str:
    return inspect.cleandoc(text).splitlines()[0]


def headline(name: str, text: str) -> None:
    note(f"{name}: {first_line(text)}")


def show(comparison, to_stderr: bool) -> None:
    """Prints the table."""
    out = sys.stderr if to_stderr else sys.stdout
    print("\n".join(table(comparison)), file=out, flush=True)


def table(comparison) -> list[str]:
    head = ["case", f"ours, {comparison.unit}", "min..max", f"peer, {comparison.unit}", "min..max", "ratio", "target", ""]
    rows = [head]
    for case in comparison.cases:
        verdict = "ok" if case.ok else "differs" if not case.agree else "missed"
        rows.append([
            case.name or comparison.name,
            number(case.ours.median), f"{number(case.ours.minimum)}..{number(case.ours.maximum)}",
            number(case.peer.median), f"{number(case.peer.minimum)}..{number(case.peer.maximum)}",
            f"{case.ratio:.3f}", f"<= {case.target:g}", verdict,
        ])
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    lines = ["", *("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows), ""]
    lines.append(f"medians of {comparison.runs} run{'s' if comparison.runs > 1 else ''}; ratio = ours / peer")
    lines.append(f"ours: {comparison.ours_is}")
    lines.append(f"peer: {comparison.peer_is}")
    lines += [f"{case.name or 'check'}: {case.agreement}" for case in comparison.cases if case.agreement]
    lines += comparison.notes
    lines.append(f"machine: {machine.in_words()}")
    if comparison.noise:
        lines.append(f"noise: {comparison.noise}")
    if comparison.quick:
        lines.append("QUICK: this shows that the comparison works; do not quote these numbers")
    return [*lines, ""]


def number(value: float) -> str:
    """Four digits that say something."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def together(results: list[dict]) -> dict:
    """Several comparisons as one object, by name."""
    by_name = {key: {result["name"]: result[key] for result in results} for key in ("ours", "peer", "ratio", "unit", "runs")}
    ok = all(result["ok"] for result in results)
    return {"name": "all", **by_name, "ok": ok, "agree": all(result["agree"] for result in results), "comparisons": results}
