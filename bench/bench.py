"""What a line is given: the ground, how large and how often to run, and somebody to tell."""

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pymongo import MongoClient

from bench.lab import Lab
from bench.load.client import Load, Plan, Step, StepName
from bench.load.client import run as run_load
from bench.report import Outcome
from ops.audit.run import Audit
from ops.deployment.description import SERVICES
from ops.deployment.ledger import Ledger

T = TypeVar("T")
ROUNDS = 3
CHECKPOINT_SECONDS_HELD = 3_600.0


@dataclass(slots=True)
class Bench:
    """One run of the bench."""

    lab: Lab
    short: bool
    rounds: int
    tell: Callable[[str], None]

    def size(self, full: T, short: T) -> T:
        """One or the other."""
        return short if self.short else full

    def file(self, name: str) -> Path:
        """A file of this run, removed with it."""
        return self.lab.home / name

    def load(self, plan: Plan) -> Load:
        """Run the load client; what was acknowledged goes to the audit's ledger."""
        load = run_load(plan)
        if plan.acknowledged:
            self.promise(plan.acknowledged)
        return load

    def promise(self, acknowledged: Path) -> int:
        """Hand over what the load client was promised; how many submissions."""
        ledger = Ledger(self.lab.ledger)
        with acknowledged.open() as lines:
            for line in lines:
                attempt_id, receipt_id = line.rstrip("\n").split("\t")
                ledger.note("submitted", receipt_id, attempt_id)
        acknowledged.unlink()
        return ledger.counts["submitted"]

    def flush(self) -> None:
        """Have MongoDB make a checkpoint now: what was changed until here is on disk."""
        self._administer({"fsync": 1})

    @contextmanager
    def checkpoints_held(self) -> Iterator[None]:
        """Until the end of the block MongoDB makes none of its own."""
        before = self._administer({"getParameter": 1, "syncdelay": 1})["syncdelay"]
        self._administer({"setParameter": 1, "syncdelay": CHECKPOINT_SECONDS_HELD})
        try:
            yield
        finally:
            self._administer({"setParameter": 1, "syncdelay": before})

    def _administer(self, command: dict[str, Any]) -> dict[str, Any]:
        client: MongoClient[Any] = MongoClient(self.lab.stack.mongo)
        try:
            return client.admin.command(command)
        finally:
            client.close()

    def audit(self, outcome: Outcome, services: Collection[str] = SERVICES) -> Audit:
        """Have everything recomputed; what does not agree is a problem of the outcome."""
        self.tell("auditing")
        found = self.lab.audit(services)
        verdict = f"{found.missing} missing, {found.duplicated} duplicated, {found.wrong} wrong"
        checked = sum(check.expected for checks in found.checks.values() for check in checks)
        outcome.details["audit"] = {"agrees": found.agrees, "verdict": verdict, "checked": checked}
        outcome.notes.append(f"audit: {verdict}, {checked:,} items checked")
        for name, checks in found.checks.items():
            outcome.problems += [
                f"audit of {name}: {check.name}: {check.examples()}" for check in checks if not check.agrees
            ]
        return found


@contextmanager
def clean(bench: Bench, *, contest: bool = True) -> Iterator[None]:
    """
    Begin with an empty week, and leave no service running.

    Without quiz's worker a contest must not be there: nobody would tell of it.
    """
    bench.tell("clearing")
    bench.lab.stop()
    bench.lab.clear(contest=contest)
    try:
        yield
    finally:
        bench.lab.stop()


def failures(load: Load) -> int:
    """Requests that got no answer or an error, 503 included."""
    return sum(failed_of(step) for step in load.steps.values())


def failed_of(step: Step) -> int:
    """The same of one step."""
    refused = sum(count for status, count in step.by_status.items() if status >= 400)
    return refused + sum(step.failed.values())


def latency_figures(load: Load, name: StepName) -> dict[str, float]:
    """Milliseconds of a step, as figures."""
    latency = load.steps[name].latency_ms
    if latency is None:
        return {}
    return {f"{name} p50, ms": latency.p50, f"{name} p99, ms": latency.p99, f"{name} max, ms": latency.max}
