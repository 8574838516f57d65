"""All checks of a week, and the tables that show them."""

import gc
from collections.abc import Awaitable, Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from ops.deployment import ledger
from ops.audit.awards import audit_awards
from ops.audit.erasure import audit_erasure
from ops.audit.findings import Check, kept, true_of_all
from ops.audit.log import Log, read
from ops.audit.notifications import audit_notifications
from ops.audit.quiz import audit_quiz
from ops.audit.registration import audit_registration
from ops.deployment.databases import Databases
from shared.contracts import topics

SERVICES = ("registration", "quiz", "awards", "notifications")


@dataclass(frozen=True, slots=True)
class Audit:
    """What was found, service by service, and what the log and the ledger hold."""

    checks: dict[str, Sequence[Check]]
    log: Log
    promises: Sequence[ledger.Promise]

    @property
    def missing(self) -> int:
        """How many items are not there that should be."""
        return sum(len(check.missing) for check in self._all())

    @property
    def duplicated(self) -> int:
        """How many items are there more than once."""
        return sum(len(check.duplicated) for check in self._all())

    @property
    def wrong(self) -> int:
        """How many items are not what they should be, or should not be."""
        return sum(len(check.wrong) for check in self._all())

    @property
    def agrees(self) -> bool:
        """Whether everything is as it should be."""
        return all(check.agrees for check in self._all())

    def _all(self) -> list[Check]:
        return [check for checks in self.checks.values() for check in checks]


async def audit(
    kafka: str,
    databases: Databases,
    ledger_file: Path,
    mail_file: Path,
    services: Collection[str] = SERVICES,
) -> Audit:
    """
    Recompute everything from the log, the databases, the ledger and the mails taken.

    Call it at rest (`ops.settle`): what is under way would be missing.

    Args:
        services: whose work is looked at; fewer where only some of them ran.
    """
    with _never_collecting():
        return await _audit(kafka, databases, ledger_file, mail_file, services)


@contextmanager
def _never_collecting() -> Iterator[None]:
    # Millions of objects, all of which stay: looking through them for garbage took a third of the time.
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


async def _audit(
    kafka: str, databases: Databases, ledger_file: Path, mail_file: Path, services: Collection[str]
) -> Audit:
    log, promises = read(kafka), ledger.read(ledger_file)
    contradicted = log.contradictions()
    of_services: dict[str, Callable[[], Awaitable[Sequence[Check]]]] = {
        "registration": lambda: audit_registration(log, databases.registration, promises),
        "quiz": lambda: audit_quiz(log, databases.quiz, promises),
        "awards": lambda: audit_awards(log, databases.awards, promises),
        "notifications": lambda: audit_notifications(log, databases.notifications, mail_file),
    }
    checks: dict[str, Sequence[Check]] = {name: await of_services[name]() for name in services}
    checks |= {
        "erasure": await audit_erasure(log, databases, promises),
        "all": [
            true_of_all("no event id says two things", contradicted, _events(log)),
            kept(
                "what others emitted is in the log",
                (f"{promise.detail}/{promise.id}" for promise in promises if promise.kind == "emitted"),
                (f"{topic.name}/{event.id}" for topic in topics.LIVE for event in log.events(topic.name)),
            ),
            true_of_all("outboxes are empty", ["outbox"] * await databases.unpublished(), 4),
        ],
    }
    return Audit(checks, log, promises)


def _events(log: Log) -> int:
    return sum(len(log.events(topic.name)) for topic in topics.LIVE)


def show(found: Audit, console: Console) -> None:
    """What happened, what was checked, and the sum of it."""
    console.print(_what_happened(found))
    console.print(_what_was_checked(found))
    for name, checks in found.checks.items():
        for check in checks:
            if not check.agrees:
                console.print(f"[red]{name}: {check.name}: {check.examples()}[/]")
    again = f"{found.log.redelivered()} events delivered again without effect"
    verdict = f"{found.missing} missing, {found.duplicated} duplicated, {found.wrong} wrong"
    console.print(f"[{'green' if found.agrees else 'red'}]Audit: {verdict}[/] ({again})", soft_wrap=True)


def _what_happened(found: Audit) -> Table:
    log = found.log
    refused = sum(promise.kind == "refused" for promise in found.promises)
    issued = log.events("award.issued")
    dead = sum(len(log.records(topic.name)) for topic in topics.DEAD)

    def counted(*names: str) -> int:
        return sum(len(log.events(name)) for name in names)

    outcomes = [f"registration.{word}" for word in ("confirmed", "waitlisted", "rejected")]
    rows: tuple[tuple[str, int, str], ...] = (
        ("requested", counted(*outcomes), f"{counted('registration.requested')} by events alone"),
        ("confirmed", counted("registration.confirmed"), f"{_promoted(log)} of them from the waiting list"),
        ("waitlisted", counted("registration.waitlisted"), ""),
        ("rejected", counted("registration.rejected"), "session and waiting list full, or closed"),
        ("cancelled", counted("registration.cancelled"), ""),
        ("checked in", counted("registration.checked_in"), ""),
        ("submitted", counted("quiz.submitted"), "some twice: the first counts"),
        ("graded", counted("quiz.completed"), ""),
        ("awarded", len(issued), _kinds(log)),
        ("revoked", counted("award.revoked"), ""),
        ("notified", counted("notification.delivered"), "inbox and e-mail"),
        ("not deliverable", counted("notification.failed"), ""),
        ("refused", refused, "late, foreign, forged, malformed … over HTTP"),
        ("dead-lettered", dead, "with reason and origin"),
    )
    table = Table(title="What happened", title_justify="left", box=None, pad_edge=False)
    table.add_column("")
    table.add_column("count", justify="right")
    table.add_column("")
    for name, count, remark in rows:
        table.add_row(name, f"{count:,}", remark)
    return table


def _promoted(log: Log) -> int:
    return sum(event.body["promoted"] for event in log.events("registration.confirmed"))


def _kinds(log: Log) -> str:
    kinds = [event.body["kind"] for event in log.events("award.issued")]
    return ", ".join(f"{kinds.count(kind)} {kind}" for kind in sorted(set(kinds)))


def _what_was_checked(found: Audit) -> Table:
    table = Table(title="\nWhat was checked", title_justify="left", box=None, pad_edge=False)
    table.add_column("service")
    table.add_column("statement")
    for heading in ("expected", "found", "missing", "twice", "wrong"):
        table.add_column(heading, justify="right")
    for name, checks in found.checks.items():
        for check in checks:
            amiss = (len(check.missing), len(check.duplicated), len(check.wrong))
            counts = (f"{count:,}" for count in (check.expected, check.found, *amiss))
            table.add_row(name, check.name, *counts, style="" if check.agrees else "red")
    return table
