"""
How many sign-ins and newcomers an hour may bring, by contact and by the network that they come from; and how
many changes of one's own data.
"""

from datetime import datetime

from services.registration.sign_ins.rules import CHANGES_MAX, hour_of, is_too_much, seconds_left
from services.registration.sign_ins.store import SignInStore
from shared.runtime import clock
from shared.runtime.keyed_hash import KeyedHash
from shared.web.problems import TooOften
from shared.web.senders import bounded_of


class Limit:
    """Bounds what is asked for in an hour, over all processes."""

    def __init__(self, sign_ins: SignInStore, hash_: KeyedHash) -> None:
        self._sign_ins = sign_ins
        self._hash = hash_

    async def check(self, contact_hash: str, address: str) -> None:
        """
        Count one request for a contact from this address, with all others of its network.

        Raises:
            TooOften: there were too many in this hour (429).
        """
        now = clock.now()
        of_contact = await self._count(f"contact {contact_hash}", now)
        refused = False
        for name, times in bounded_of(address):
            of_pair = await self._count(f"pair {contact_hash} {name}", now)
            of_network = await self._count(f"address {name}", now)
            if is_too_much(of_pair=of_pair, of_contact=of_contact, of_network=of_network, times=times):
                refused = True
        if refused:
            seconds = seconds_left(now)
            why = "too many requests for this contact or from your address"
            raise _too_many(why, seconds, code="sign_ins_too_many")

    async def check_changes(self, participant_id: str) -> None:
        """
        Count one change of a participant's own data.

        Raises:
            TooOften: there were too many in this hour (429).
        """
        now = clock.now()
        if await self._count(f"changes {participant_id}", now) > CHANGES_MAX:
            raise _too_many(
                "you have changed your data too often", seconds_left(now), code="changes_too_many"
            )

    async def _count(self, name: str, now: datetime) -> int:
        """Count a request under this name in its hour; how many there were."""
        return await self._sign_ins.count(self._hash.of(f"{hour_of(now)} {name}".encode()), now)


def _too_many(why: str, seconds: int, *, code: str) -> TooOften:
    return TooOften(
        seconds,
        f"{why}; try again in {seconds} s",
        code=code,
    )
