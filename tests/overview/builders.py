"""Settings, records and the running service, for the tests of the overview."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import httpx

from services.overview.app import OverviewSettings, assemble
from services.overview.counting.rules import Happened, Place
from shared.storage.mongo import Database
from tests.support.service import NO_KAFKA, copies_of, settings_of

NOW = datetime(2027, 5, 20, 1, 0, 30, tzinfo=UTC)
CONFIRMED, SUBMITTED = Place("registration.confirmed", 0), Place("quiz.submitted", 7)


def records(offsets: range, place: Place = CONFIRMED, at: datetime = NOW) -> list[Happened]:
    """Records of a partition, one at each offset."""
    return [Happened(place, offset, at) for offset in offsets]


def settings(*, mongo: str, kafka: str = NO_KAFKA, **changes: object) -> OverviewSettings:
    return settings_of(OverviewSettings, mongo=mongo, kafka=kafka, **changes)


@asynccontextmanager
async def service(
    mongo: str, *, kafka: str = NO_KAFKA, copies: int = 1, **changes: object
) -> AsyncIterator[tuple[list[httpx.AsyncClient], Database]]:
    """Copies of the service on one database, and that database."""
    of = settings(mongo=mongo, kafka=kafka, **changes)
    async with copies_of(assemble, of, of.database, copies=copies) as clients_and_database:
        yield clients_and_database
