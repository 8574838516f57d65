"""All checks of a week, run one after the other."""

import asyncio
import gc
from collections.abc import Awaitable, Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ops.audit.awards import audit_awards
from ops.audit.ceremonies import audit_ceremonies
from ops.audit.credentials import audit_credentials, reader_of
from ops.audit.draws import audit_draws
from ops.audit.erasure import audit_erasure
from ops.audit.findings import Check, kept, true_of_all
from ops.audit.log import Log, read
from ops.audit.names import audit_names
from ops.audit.notifications import audit_notifications
from ops.audit.prints import audit_prints
from ops.audit.quiz import audit_quiz
from ops.audit.registration import audit_registration
from ops.audit.rotas import audit_rotas
from ops.deployment import ledger
from ops.deployment.databases import Databases
from ops.deployment.description import SERVICES, Apis, Deployment
from ops.deployment.settle import LOOK_SECONDS
from shared.contracts import topics
from shared.runtime import clock
from shared.storage.mongo import Database

# How often the outboxes are looked at until they are empty.
LOOKS_MAX = 10


@dataclass(frozen=True, slots=True)
class Audit:
    """The findings for each service, with the log and the promises that they were computed from."""

    checks: dict[str, Sequence[Check]]
    log: Log
    promises: Sequence[ledger.Promise]

    @property
    def missing(self) -> int:
        """The number of expected items that were not found."""
        return sum(len(check.missing) for check in self._all())

    @property
    def duplicated(self) -> int:
        """The number of items that were found more than once."""
        return sum(len(check.duplicated) for check in self._all())

    @property
    def wrong(self) -> int:
        """The number of items that are different from the expected ones, or not expected at all."""
        return sum(len(check.wrong) for check in self._all())

    @property
    def agrees(self) -> bool:
        """True if everything is as expected."""
        return all(check.agrees for check in self._all())

    def _all(self) -> list[Check]:
        return [check for checks in self.checks.values() for check in checks]


async def audit(
    deployment: Deployment,
    databases: Databases,
    ledger_file: Path,
    services: Collection[str] = SERVICES,
) -> Audit:
    """
    Compute everything again from the log, the databases, the ledger and the mails sent.

    The deployment must be at rest (`ops.deployment.settle`): unfinished work would count as missing.

    Args:
        services: the services to check. Name fewer if only some of them ran.
    """
    with _never_collecting():
        return await _audit(deployment, databases, ledger_file, services)


@contextmanager
def _never_collecting() -> Iterator[None]:
    # Millions of objects that all stay alive: searching them for garbage took a third of the time.
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


async def _audit(
    deployment: Deployment, databases: Databases, ledger_file: Path, services: Collection[str]
) -> Audit:
    # Mails that were put off may be tried at any moment. What they did until now is published and in the log.
    settled_at = clock.now()
    log, promises = read(deployment.kafka), ledger.read(ledger_file)
    contradicted = log.contradictions()
    of_services: dict[str, Callable[[], Awaitable[Sequence[Check]]]] = {
        "registration": lambda: audit_all_of_registration(log, databases.registration, promises),
        "quiz": lambda: audit_quiz(log, databases.quiz, promises),
        "awards": lambda: audit_all_of_awards(log, databases.awards, promises, deployment.apis),
        "notifications": lambda: audit_notifications(
            log, databases.notifications, deployment.mail_file, settled_at
        ),
    }
    checks: dict[str, Sequence[Check]] = {name: await of_services[name]() for name in services}
    checks |= {
        "erasure": await audit_erasure(log, databases, promises),
        "names": await audit_names(log, databases, services),
        "all": [
            true_of_all("no event id says two things", contradicted, _events(log)),
            true_of_all("records of our own topics follow the contracts", *_malformed(log)),
            kept(
                "what others emitted is in the log",
                (f"{promise.detail}/{promise.id}" for promise in promises if promise.kind == "emitted"),
                (f"{topic.name}/{record.id}" for topic in topics.LIVE for record in log.records(topic.name)),
            ),
            true_of_all("outboxes are empty", ["outbox"] * await _unpublished(databases), 4),
        ],
    }
    return Audit(checks, log, promises)


async def audit_all_of_registration(
    log: Log, database: Database, promises: list[ledger.Promise]
) -> list[Check]:
    """Every part of the audit that reads registration's database."""
    return [
        *await audit_registration(log, database, promises),
        *await audit_rotas(log, database, promises),
    ]


async def audit_all_of_awards(
    log: Log, database: Database, promises: list[ledger.Promise], apis: Apis
) -> list[Check]:
    """Every part of the audit that reads awards' database."""
    return [
        *await audit_awards(log, database, promises),
        *await audit_draws(log, database),
        *await audit_credentials(log, database, reader_of(apis)),
        *await audit_prints(database),
        *await audit_ceremonies(log, database),
    ]


async def _unpublished(databases: Databases) -> int:
    """What stays in the outboxes: a mail that was put off may have been delivered a moment ago."""
    for _ in range(LOOKS_MAX):
        if not (left := await databases.unpublished()):
            break
        await asyncio.sleep(LOOK_SECONDS)
    return left


def _malformed(log: Log) -> tuple[list[str], int]:
    places = [entry.place for topic in topics.LIVE for entry in log.malformed(topic.name)]
    return places, sum(len(log.records(topic.name)) for topic in topics.LIVE)


def _events(log: Log) -> int:
    return sum(len(log.events(topic.name)) for topic in topics.LIVE)
