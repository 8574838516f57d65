"""How many wrong codes an hour may bring: by person, by group, and by the network that they come from."""

from services.registration.claims.rules import is_too_much
from services.registration.sign_ins.rules import hour_of, seconds_left
from services.registration.sign_ins.store import SignInStore
from shared.runtime import clock
from shared.runtime.keyed_hash import KeyedHash
from shared.web.problems import NotHttp
from shared.web.senders import network_of


class TriesLimit:
    """Bounds the tries of codes. They are counted in the collection of the counts of sign-ins."""

    def __init__(self, counts: SignInStore, hash_: KeyedHash) -> None:
        self._counts = counts
        self._hash = hash_

    async def count(self, group_id: str, participant_id: str | None, address: str) -> list[str]:
        """
        Count one try, before it is known whether the code is right: many at once are bounded, too.

        Returns: what was counted, to be given back if the code was right.
        Raises:
            NotHttp: there were too many in this hour (429).
        """
        now = clock.now()
        hour, network = hour_of(now), network_of(address)
        names = [f"pair {group_id} {network}", f"group {group_id}", f"network {network}"]
        if participant_id is not None:
            names.append(f"person {participant_id}")
        counted = [self._hash.of(f"{hour} claims {name}".encode()) for name in names]
        numbers = [await self._counts.count(key, now) for key in counted]
        of_pair, of_group, of_network = numbers[:3]
        of_person = numbers[3] if participant_id is not None else 0
        if is_too_much(of_person=of_person, of_pair=of_pair, of_group=of_group, of_network=of_network):
            seconds = seconds_left(now)
            raise NotHttp(
                429,
                f"too many wrong codes; try again in {seconds} s",
                code="claims_too_many",
                headers=[("retry-after", str(seconds))],
                seconds=seconds,
            )
        return counted

    async def give_back(self, counted: list[str]) -> None:
        """The code was right: it counts for nothing."""
        await self._counts.give_back(counted)
