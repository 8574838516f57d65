"""The outcome of a line: its runs as a table with medians and ratios, its criteria, and all of it as JSON."""

import json
import os
import platform
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any, Literal, TypeAlias

import psutil
from rich.console import Console
from rich.table import Table

Json: TypeAlias = dict[str, Any]
ROOT = Path(__file__).parent.parent
Sense = Literal[">=", "<=", "<", "="]


@dataclass(frozen=True, slots=True)
class Run:
    """One measured run of one variant. The figures' names are "name, unit"."""

    variant: str
    figures: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Criterion:
    """A figure, and what is wanted of it."""

    name: str
    found: float
    sense: Sense
    wanted: float

    @property
    def met(self) -> bool:
        match self.sense:
            case ">=":
                return self.found >= self.wanted
            case "<=":
                return self.found <= self.wanted
            case "<":
                return self.found < self.wanted
            case "=":
                return self.found == self.wanted


@dataclass(slots=True)
class Outcome:
    """The outcome of a line. `problems` say what failed. A slow run is not a problem."""

    line: str
    title: str
    runs: list[Run] = field(default_factory=list)
    criteria: list[Criterion] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    details: Json = field(default_factory=dict)
    seconds: float = 0.0

    def add(self, variant: str, figures: Mapping[str, float]) -> None:
        """Add one measured run."""
        self.runs.append(Run(variant, dict(figures)))

    def variants(self) -> list[str]:
        """The variants in the order of their first runs, ours first."""
        found = list(dict.fromkeys(run.variant for run in self.runs))
        return sorted(found, key=lambda variant: variant != "ours")

    def values(self, variant: str, figure: str) -> list[float]:
        """The values of a figure in all runs of a variant."""
        return [run.figures[figure] for run in self.runs if run.variant == variant and figure in run.figures]

    def median(self, variant: str, figure: str) -> float:
        """The median of a figure over the runs of a variant, nan if there is none."""
        values = self.values(variant, figure)
        return median(values) if values else float("nan")

    def require(self, name: str, found: float, sense: Sense, wanted: float) -> None:
        """Compare a figure with the one that is wanted."""
        self.criteria.append(Criterion(name, found, sense, wanted))

    def require_ratio(self, name: str, figure: str, other: str, wanted: float, ours: str = "ours") -> None:
        """Our median divided by the other variant's must be at least `wanted`."""
        self.require(name, self.median(ours, figure) / self.median(other, figure), ">=", wanted)

    def to_json(self) -> Json:
        return {
            "line": self.line,
            "title": self.title,
            "seconds": round(self.seconds, 1),
            "medians": {
                variant: {figure: self.median(variant, figure) for figure in self._figures(variant)}
                for variant in self.variants()
            },
            "runs": [{"variant": run.variant, **run.figures} for run in self.runs],
            "criteria": [
                {"name": c.name, "found": c.found, "wanted": f"{c.sense} {c.wanted:g}", "met": c.met}
                for c in self.criteria
            ],
            "problems": self.problems,
            "notes": self.notes,
            **self.details,
        }

    def _figures(self, variant: str | None = None) -> list[str]:
        runs = [run for run in self.runs if variant in (None, run.variant)]
        return list(dict.fromkeys(figure for run in runs for figure in run.figures))

    def show(self, console: Console) -> None:
        """Print the medians and the criteria."""
        variants = self.variants()
        console.print(f"\n[bold]{self.line}[/]: {self.title} ({self.seconds:.0f} s)")
        table = Table(box=None, pad_edge=False)
        table.add_column("median of the runs")
        for variant in variants:
            table.add_column(variant, justify="right")
        others = variants[1:] if variants[:1] == ["ours"] else []
        for other in others:
            table.add_column(f"ours : {other}", justify="right")
        for figure in self._figures():
            values = {variant: self.median(variant, figure) for variant in variants}
            ratios = [_ratio(values["ours"], values[other]) for other in others]
            table.add_row(figure, *(_number(value) for value in values.values()), *ratios)
        if self.runs:
            console.print(table)
        for note in self.notes:
            console.print(f"  {note}", highlight=False)
        for criterion in self.criteria:
            mark = "[green]met[/]    " if criterion.met else "[yellow]not met[/]"
            wanted = f"{criterion.sense} {criterion.wanted:g}"
            console.print(f"  {mark} {criterion.name}: {_number(criterion.found)} (wanted {wanted})")
        for problem in self.problems:
            console.print(f"  [red]failed[/]  {problem}")


def _number(value: float) -> str:
    if value != value:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:,.2f}"


def _ratio(ours: float, other: float) -> str:
    return f"{ours / other:.2f}" if other and ours == ours and other == other else "-"


def machine() -> Json:
    """The machine that the bench runs on."""
    return {
        "cores": psutil.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 2**30, 1),
        "processor": _processor(),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "load_average_before": os.getloadavg()[0],
    }


def write(path: Path, outcomes: Sequence[Outcome], settings: Json, of_machine: Json) -> None:
    """Write the outcomes of a run into one JSON file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    found = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": _commit(),
        "machine": of_machine,
        "settings": settings,
        "lines": [outcome.to_json() for outcome in outcomes],
    }
    path.write_text(json.dumps(_finite(found), indent=2, ensure_ascii=False) + "\n", "utf-8")


def _finite(value: Any) -> Any:
    # JSON has no nan and no infinity.
    match value:
        case dict():
            return {key: _finite(inner) for key, inner in value.items()}
        case list() | tuple():
            return [_finite(inner) for inner in value]
        case float() if value != value or value in (float("inf"), float("-inf")):
            return None
    return value


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(": ")[2] for line in lines if line.startswith("model name")), "")


def _commit() -> str:
    found = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return found.stdout.strip()
