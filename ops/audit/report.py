"""The tables of an audit: the events of the week, every checked statement, and the verdict."""

from rich.console import Console
from rich.table import Table

from ops.audit.log import Log
from ops.audit.run import Audit
from shared.contracts import topics


def show(found: Audit, console: Console) -> None:
    """Print what happened, what was checked, and the verdict."""
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

    outcomes = [f"registration.{word}" for word in ("held", "confirmed", "waitlisted", "rejected")]
    # A held place is confirmed later, so one request may have several outcomes.
    asked = {
        (event.body["participant_id"], event.body["request_id"])
        for name in outcomes
        for event in log.events(name)
    }
    rows: tuple[tuple[str, int, str], ...] = (
        ("requested", len(asked), f"{counted('registration.requested')} only by events"),
        ("held", counted("registration.held"), "until a contact is verified"),
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
        ("refused", refused, "over HTTP: late, foreign, forged, malformed …"),
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
