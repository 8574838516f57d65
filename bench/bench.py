"""What a line gets: the lab, how large and how often to run, and whom to tell."""

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
        """The first one, or the second in a short run."""
        return short if self.short else full

    def file(self, name: str) -> Path:
        """A file of this run, removed with it."""
        return self.lab.home / name

    def load(self, plan: Plan) -> Load:
        """Run the load client. What was acknowledged goes into the ledger for the audit."""
        load = run_load(plan)
        if plan.acknowledged:
            self.promise(plan.acknowledged)
        return load

    def promise(self, acknowledged: Path) -> int:
        """Write what the load client was promised into the ledger; return how many submissions that is."""
        ledger = Ledger(self.lab.ledger)
        with acknowledged.open() as lines:
            for line in lines:
                attempt_id, receipt_id = line.rstrip("\n").split("\t")
                ledger.note("submitted", receipt_id, attempt_id)
        acknowledged.unlink()
        return ledger.counts["submitted"]

    def flush(self) -> None:
        """Let MongoDB make a checkpoint now, so that all changes so far are on disk."""
        self._administer({"fsync": 1})

    @contextmanager
    def checkpoints_held(self) -> Iterator[None]:
        """MongoDB makes no checkpoint of its own until the end of the block."""
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
        """Run the audit. What does not agree is a problem of the outcome."""
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
    Begin with an empty week, and stop all services at the end. A short run does so only where it must.

    A contest must not be there where quiz's worker does not run: its event would never be published.
    """
    bench.tell("clearing")
    bench.lab.begin(contest=contest)
    try:
        yield
    except BaseException:
        bench.lab.soil()
        raise
    finally:
        if not bench.lab.lasting:
            bench.lab.stop()


def failures(load: Load) -> int:
    """How many requests got no answer, or an error. A 503 is an error too."""
    return sum(failed_of(step) for step in load.steps.values())


def failed_of(step: Step) -> int:
    """The same for one step."""
    refused = sum(count for status, count in step.by_status.items() if status >= 400)
    return refused + sum(step.failed.values())


def latency_figures(load: Load, name: StepName) -> dict[str, float]:
    """The latencies of a step in milliseconds, as figures."""
    latency = load.steps[name].latency_ms
    if latency is None:
        return {}
    return {f"{name} p50, ms": latency.p50, f"{name} p99, ms": latency.p99, f"{name} max, ms": latency.max}
