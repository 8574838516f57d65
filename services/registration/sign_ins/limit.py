"""How many sign-ins and newcomers an hour may bring: by contact, and by the address that they come from."""

from services.registration.sign_ins.rules import (
    ADDRESS_MAX,
    CONTACT_AND_ADDRESS_MAX,
    CONTACT_MAX,
    hour_of,
    seconds_left,
)
from services.registration.sign_ins.store import SignInStore
from shared.runtime import clock
from shared.runtime.keyed_hash import KeyedHash
from shared.web.problems import NotHttp


class Limit:
    """Bounds what anybody may ask for without a token."""

    def __init__(self, sign_ins: SignInStore, hash_: KeyedHash) -> None:
        self._sign_ins = sign_ins
        self._hash = hash_

    async def check(self, contact_hash: str, address: str) -> None:
        """
        Count one request for a contact from this address.

        Raises:
            NotHttp: there were too many in this hour (429).
        """
        now = clock.now()
        hour = hour_of(now)
        bounds = {
            f"pair {contact_hash} {address}": CONTACT_AND_ADDRESS_MAX,
            f"contact {contact_hash}": CONTACT_MAX,
            f"address {address}": ADDRESS_MAX,
        }
        keys = {self._hash.of(f"{hour} {key}".encode()): bound for key, bound in bounds.items()}
        if not await self._sign_ins.count(keys, now):
            seconds = seconds_left(now)
            raise NotHttp(
                429,
                f"too many requests for this contact or from your address; try again in {seconds} s",
                code="sign_ins_too_many",
                headers=[("retry-after", str(seconds))],
                seconds=seconds,
            )
