"""
How many wrong codes an hour may bring: by person, by group, and by the network that they come from.

Beyond the bounds wrong codes are refused by another answer. Right ones are always taken: else anybody in the
network of a school could keep its pupils from claiming.
"""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from services.registration.claims.rules import CODE_WRONG, is_too_much
from services.registration.sign_ins.rules import hour_of, seconds_left
from services.registration.sign_ins.store import SignInStore
from shared.runtime import clock
from shared.runtime.errors import Forbidden
from shared.runtime.keyed_hash import KeyedHash
from shared.web.problems import TooOften
from shared.web.senders import bounded_of


class TriesLimit:
    """Bounds the tries of codes. They are counted in the collection of the counts of sign-ins."""

    def __init__(self, counts: SignInStore, hash_: KeyedHash) -> None:
        self._counts = counts
        self._hash = hash_

    @asynccontextmanager
    async def one(self, group_id: str, participant_id: str | None, address: str) -> AsyncGenerator[None]:
        """
        Count the try of a code that is looked at within; if it is right, it counts for nothing.

        Raises:
            TooOften: it is wrong, and there were too many in this hour (429).
        """
        counted, refusal = await self._count(group_id, participant_id, address)
        try:
            yield
        except Forbidden as refused:
            if refusal is not None and refused.code == CODE_WRONG:
                raise refusal from None
            raise
        await self._counts.give_back(counted)

    async def _count(
        self, group_id: str, participant_id: str | None, address: str
    ) -> tuple[list[str], TooOften | None]:
        """Returns: what was counted, and the refusal if there were too many."""
        now = clock.now()
        counted: list[str] = []

        async def count(name: str) -> int:
            counted.append(self._hash.of(f"{hour_of(now)} claims {name}".encode()))
            return await self._counts.count(counted[-1], now)

        of_group = await count(f"group {group_id}")
        of_person = await count(f"person {participant_id}") if participant_id is not None else 0
        refused = False
        for name, times in bounded_of(address):
            of_pair, of_network = await count(f"pair {group_id} {name}"), await count(f"network {name}")
            if is_too_much(
                of_person=of_person, of_pair=of_pair, of_group=of_group, of_network=of_network, times=times
            ):
                refused = True
        if not refused:
            return counted, None
        seconds = seconds_left(now)
        return counted, TooOften(
            seconds,
            "this code is wrong, and too many wrong ones were given; a right one is taken at any time"
            f" (they are counted for {seconds} s more)",
            code="claims_too_many",
        )
