"""What is computed from the service's secrets."""

from dataclasses import dataclass

from services.registration.booking.idempotency import RequestKeys
from services.registration.booking.tickets import TicketOffice
from services.registration.claims.codes import ClaimCodes
from services.registration.consents.receipts import Receipts
from services.registration.participants.codes import ContactCodes
from services.registration.participants.keys import KeySealer
from services.registration.tickets.keys import TicketKey
from shared.runtime.keyed_hash import KeyedHash
from shared.web.tokens import TokenSigner

# With another purpose all hashes in the database would be other ones.
HASH_PURPOSE = b"kepu registration idempotency"


@dataclass(frozen=True, slots=True)
class Keys:
    """What is computed from the private key of the tokens, and from notifications' public key."""

    claims: ClaimCodes
    codes: ContactCodes
    hash: KeyedHash
    receipts: Receipts
    requests: RequestKeys
    sealer: KeySealer
    signer: TokenSigner
    ticket: TicketKey
    tickets: TicketOffice

    @classmethod
    def of(cls, private_key: str, contact_public_key: str) -> "Keys":
        """The keys of these two."""
        keyed_hash = KeyedHash.from_private_key(private_key, HASH_PURPOSE)
        return cls(
            claims=ClaimCodes.from_private_key(private_key),
            codes=ContactCodes.from_private_key(private_key),
            hash=keyed_hash,
            receipts=Receipts(private_key),
            requests=RequestKeys(keyed_hash),
            sealer=KeySealer(contact_public_key),
            signer=TokenSigner(private_key),
            ticket=TicketKey.from_private_key(private_key),
            tickets=TicketOffice.from_private_key(private_key),
        )
