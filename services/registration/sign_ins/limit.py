"""How many sign-ins and newcomers an hour may bring: by contact, and by the network that they come from."""

from services.registration.sign_ins.rules import hour_of, is_too_much, seconds_left
from services.registration.sign_ins.store import SignInStore
from shared.runtime import clock
from shared.runtime.keyed_hash import KeyedHash
from shared.web.problems import NotHttp
from shared.web.senders import network_of


class Limit:
    """Bounds what anybody may ask for without a token."""

    def __init__(self, sign_ins: SignInStore, hash_: KeyedHash) -> None:
        self._sign_ins = sign_ins
        self._hash = hash_

    async def check(self, contact_hash: str, address: str) -> None:
        """
        Count one request for a contact from this address, with all others of its network.

        Raises:
            NotHttp: there were too many in this hour (429).
        """
        now = clock.now()
        hour, network = hour_of(now), network_of(address)
        of_pair, of_contact, of_network = [
            await self._sign_ins.count(self._hash.of(f"{hour} {key}".encode()), now)
            for key in (f"pair {contact_hash} {network}", f"contact {contact_hash}", f"address {network}")
        ]
        if is_too_much(of_pair=of_pair, of_contact=of_contact, of_network=of_network):
            seconds = seconds_left(now)
            raise NotHttp(
                429,
                f"too many requests for this contact or from your address; try again in {seconds} s",
                code="sign_ins_too_many",
                headers=[("retry-after", str(seconds))],
                seconds=seconds,
            )
