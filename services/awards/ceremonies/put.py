"""Organisers put ceremonies, proxies and links."""

import hashlib
import secrets
from datetime import datetime

from services.awards.ceremonies.rules import LINK_VALID, Ceremony, Proxy, check_tiers, link_unknown
from services.awards.ceremonies.store import CeremonyStore, proxy_unknown
from services.awards.known.store import KnownStore
from services.awards.schemes.store import SchemeStore
from shared.runtime import clock
from shared.runtime.errors import Conflict
from shared.runtime.versions import Matching, always, check_version, version_of
from shared.storage.unit_of_work import UnitOfWork, save_together

CODE_BYTES = 24


class Putting:
    """Changes ceremonies."""

    def __init__(self, ceremonies: CeremonyStore, schemes: SchemeStore, known: KnownStore) -> None:
        self._ceremonies = ceremonies
        self._schemes = schemes
        self._known = known

    async def put(self, ceremony: Ceremony, matches: Matching = always) -> str:
        """
        Store a ceremony; returns its version.

        Raises:
            NotFound: a scheme is not there.
            Rejected: a scheme has no such tier.
            Conflict, Outdated: see `CeremonyStore.put`.
        """
        for item in ceremony.items:
            check_tiers(item, await self._schemes.get(item.scheme_id))
        return await self._ceremonies.put(ceremony, matches)

    async def delete(self, ceremony_id: str, matches: Matching = always) -> None:
        """
        Delete a ceremony, with its proxies.

        Raises:
            NotFound: there is none.
            Conflict: awards were handed over at it.
            Outdated: it is not the version that was read.
        """

        async def work(unit: UnitOfWork) -> None:
            _, version, used = await self._ceremonies.lock(unit, ceremony_id)
            check_version(matches, version, f"ceremony {ceremony_id}")
            if used:
                raise Conflict(
                    f"awards were handed over at ceremony {ceremony_id}: it stays", code="ceremony_in_use"
                )
            await self._ceremonies.delete(unit, ceremony_id)

        await save_together(self._ceremonies.database, work)

    async def put_proxy(
        self, ceremony_id: str, recipient_id: str, proxy: Proxy, matches: Matching = always
    ) -> str:
        """
        Store who comes for a recipient; returns the version.

        Raises:
            NotFound: the ceremony, the recipient or the receiver is not known.
            Conflict: one of the two was erased, or there are too many.
            Outdated: it is not the version that was read.
        """

        async def work(unit: UnitOfWork) -> str:
            await self._ceremonies.lock(unit, ceremony_id)
            # Both are locked: an erasure at the same moment comes first, or finds the proxy and deletes it.
            for one in sorted({recipient_id, proxy.receiver_id or recipient_id}):
                await self._known.lock_recipient(unit, one)
            before = await self._ceremonies.proxy(ceremony_id, recipient_id, unit)
            check_version(matches, proxy_version(before) if before else None, f"the proxy of {recipient_id}")
            if before != proxy:
                await self._ceremonies.put_proxy(unit, ceremony_id, recipient_id, proxy)
            return proxy_version(proxy)

        return await save_together(self._ceremonies.database, work)

    async def delete_proxy(self, ceremony_id: str, recipient_id: str, matches: Matching = always) -> None:
        """
        Nobody comes for a recipient any more.

        Raises:
            NotFound: the ceremony or the proxy is not there.
            Outdated: it is not the version that was read.
        """

        async def work(unit: UnitOfWork) -> None:
            await self._ceremonies.lock(unit, ceremony_id)
            before = await self._ceremonies.proxy(ceremony_id, recipient_id, unit)
            if before is None:
                raise proxy_unknown(recipient_id)
            check_version(matches, proxy_version(before), f"the proxy of {recipient_id}")
            await self._ceremonies.delete_proxy(unit, ceremony_id, recipient_id)

        await save_together(self._ceremonies.database, work)

    async def make_link(self, ceremony_id: str) -> tuple[str, datetime]:
        """
        A new link for the hall, and its end. The one before ends now.

        Raises:
            NotFound: there is no such ceremony.
        """
        code, until = secrets.token_urlsafe(CODE_BYTES), clock.now() + LINK_VALID
        await self._ceremonies.set_link(ceremony_id, _hash_of(code), until)
        return code, until

    async def end_link(self, ceremony_id: str) -> None:
        """
        End the link of the hall; a repeat changes nothing.

        Raises:
            NotFound: there is no such ceremony.
        """
        await self._ceremonies.set_link(ceremony_id, None, clock.now())

    async def of_link(self, code: str) -> Ceremony:
        """
        The ceremony of a link.

        Raises:
            NotFound: it is none of ours, has ended, or its time is over.
        """
        found = await self._ceremonies.by_link(_hash_of(code), clock.now())
        if found is None:
            raise link_unknown()
        return found


def proxy_version(proxy: Proxy) -> str:
    """The version of a proxy: the same for the same content."""
    return version_of(proxy.model_dump(mode="json"))


def _hash_of(code: str) -> str:
    """What is stored of a code. It is too long to be tried, so the hash needs no key."""
    return hashlib.sha256(code.encode()).hexdigest()
