"""A worker that moves what participants who went have left, and an organiser who merges."""

import httpx

from services.registration.booking.cancel import Cancellation
from services.registration.booking.store import RegistrationStore
from services.registration.merging.move import UnfinishedMerges
from services.registration.merging.store import MergeStore
from services.registration.participants.store import ParticipantStore
from services.registration.sessions.store import SessionStore
from shared.storage.mongo import Database
from tests.registration.builders import SEALER, TICKETS, promotion
from tests.support.service import ORGANISER


def unfinished_merges(database: Database, sessions: SessionStore | None = None) -> UnfinishedMerges:
    """What a worker does."""
    sessions = sessions or SessionStore(database)
    registrations = RegistrationStore(database)
    return UnfinishedMerges(
        database,
        MergeStore(database),
        sessions,
        ParticipantStore(database),
        registrations,
        sealer=SEALER,
        tickets=TICKETS,
        promotion=promotion(database),
        cancellation=Cancellation(database, sessions, registrations, promotion(database)),
    )


async def merge(client: httpx.AsyncClient, goes: str, into: str) -> httpx.Response:
    return await client.post(f"/participants/{goes}/merge", json={"into": into}, headers=ORGANISER)


async def all_moved(database: Database) -> None:
    """Everything that is left of all who went."""
    merges = unfinished_merges(database)
    while pending := await MergeStore(database).unfinished("", 9):
        for id_ in pending:
            await merges.go_on(id_)
