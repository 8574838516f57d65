"""Use cases of endpoints: put, rotate the secret, disable, enable."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

import msgspec

from services.webhooks.endpoints.rules import Endpoint, Secret, check_types, check_url, rotated
from services.webhooks.endpoints.secrets import SecretLock
from services.webhooks.endpoints.store import EndpointStore, new_key
from shared.runtime.errors import NotFound, Unavailable
from shared.runtime.versions import Matching, always

# Somebody may delete it, and somebody else put it, at the same moment.
PUTS_MAX = 5


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an organiser puts."""

    url: str
    types: Sequence[str]
    description: str


class Endpoints:
    """
    What organisers do with endpoints.

    Args:
        only_public: addresses have to begin with https.
    """

    def __init__(self, store: EndpointStore, lock: SecretLock, *, only_public: bool) -> None:
        self._store = store
        self._lock = lock
        self._only_public = only_public

    async def put(
        self, endpoint_id: str, wanted: Wanted, now: datetime, matches: Matching = always
    ) -> tuple[Endpoint, str | None]:
        """
        Store an endpoint, new or changed. Putting the same again changes nothing.

        Returns: the endpoint, and the secret of a new one. Nobody is shown it again.
        Raises:
            Rejected: the address or a type cannot be used.
            Conflict: there are too many endpoints.
            Outdated: somebody has changed it since it was read.
        """
        check_url(wanted.url, only_public=self._only_public)
        types = check_types(wanted.types)

        def change(found: Endpoint) -> Endpoint | None:
            changed = msgspec.structs.replace(
                found, url=wanted.url, types=types, description=wanted.description
            )
            return changed if changed != found else None

        for _ in range(PUTS_MAX):
            with suppress(NotFound):
                return await self._store.change(endpoint_id, change, matches), None
            secret = self._lock.new()
            new = Endpoint(
                endpoint_id=endpoint_id,
                key=new_key(),
                url=wanted.url,
                types=types,
                description=wanted.description,
                secrets=(Secret(self._lock.lock(secret)),),
                version=1,
                created_at=now,
            )
            if await self._store.add(new, matches):
                return new, secret
        raise Unavailable(f"endpoint {endpoint_id} is changed by others all the time; try again")

    async def rotate(self, endpoint_id: str, now: datetime, *, at_once: bool) -> tuple[Endpoint, str]:
        """
        Give an endpoint a new secret. The old one signs too for `ROTATION`, unless it ends at once.

        Returns: the endpoint, and the new secret, which nobody is shown again.
        Raises:
            NotFound: there is no such endpoint.
            Conflict: a rotation is under way.
        """
        secret = self._lock.new()
        new = Secret(self._lock.lock(secret))

        def change(found: Endpoint) -> Endpoint:
            return msgspec.structs.replace(found, secrets=rotated(found.secrets, new, now, at_once=at_once))

        return await self._store.change(endpoint_id, change), secret

    async def disable(self, endpoint_id: str, now: datetime) -> Endpoint:
        """Send nothing to an endpoint. What is due for it is stored, up to its backlog's bound."""
        found = await self._store.get(endpoint_id)
        await self._store.disable(found.key, "by_organiser", now)
        return await self._store.get(endpoint_id)

    async def enable(self, endpoint_id: str) -> Endpoint:
        """Send to an endpoint again, first what has waited for it."""
        found = await self._store.get(endpoint_id)
        await self._store.enable(found.key)
        return await self._store.get(endpoint_id)
