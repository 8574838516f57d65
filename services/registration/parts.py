"""
What several rooms of registration need, made once: the stores, what is computed from the secrets, and the use
cases that others call. `app.py` puts the rooms together from it.
"""

from dataclasses import dataclass, fields
from datetime import timedelta

from services.registration.announcing.store import AnnouncementStore
from services.registration.booking.book import Booking
from services.registration.booking.cancel import Cancellation
from services.registration.booking.confirm import PlaceConfirmation
from services.registration.booking.idempotency import RequestKeys
from services.registration.booking.promote import Promotion
from services.registration.booking.store import RegistrationStore
from services.registration.booking.tickets import TicketOffice
from services.registration.check_in.store import ScanStore
from services.registration.consents.receipts import Receipts
from services.registration.consents.store import ConsentStore
from services.registration.erasure.store import ErasureStore
from services.registration.group_bookings.store import AttendanceStore
from services.registration.managers.store import ManagerStore
from services.registration.merging.store import MergeStore
from services.registration.participants.codes import ContactCodes
from services.registration.participants.keys import KeySealer
from services.registration.participants.put_group import GroupChanges
from services.registration.participants.store import GroupStore, ParticipantStore
from services.registration.programme.store import ActivityStore
from services.registration.reminders.store import ReminderStore
from services.registration.rosters.store import ImportStore, RosterStore
from services.registration.sessions.store import SessionStore
from services.registration.sign_ins.store import SignInStore
from services.registration.tickets.keys import TicketKey
from shared.runtime.keyed_hash import KeyedHash
from shared.storage.mongo import Database
from shared.web.tokens import TokenSigner

# With another purpose all hashes in the database would be other ones.
HASH_PURPOSE = b"kepu registration idempotency"


@dataclass(frozen=True, slots=True)
class Stores:
    """All stores that have collections of their own."""

    activities: ActivityStore
    announcements: AnnouncementStore
    attendances: AttendanceStore
    consents: ConsentStore
    erasures: ErasureStore
    groups: GroupStore
    imports: ImportStore
    managers: ManagerStore
    members: RosterStore
    merges: MergeStore
    participants: ParticipantStore
    registrations: RegistrationStore
    reminders: ReminderStore
    scans: ScanStore
    sessions: SessionStore
    sign_ins: SignInStore

    @classmethod
    def of(cls, database: Database) -> "Stores":
        """The stores of this database."""
        return cls(
            activities=ActivityStore(database),
            announcements=AnnouncementStore(database),
            attendances=AttendanceStore(database),
            consents=ConsentStore(database),
            erasures=ErasureStore(database),
            groups=GroupStore(database),
            imports=ImportStore(database),
            managers=ManagerStore(database),
            members=RosterStore(database),
            merges=MergeStore(database),
            participants=ParticipantStore(database),
            registrations=RegistrationStore(database),
            reminders=ReminderStore(database),
            scans=ScanStore(database),
            sessions=SessionStore(database),
            sign_ins=SignInStore(database),
        )

    async def prepare(self) -> None:
        """Create collections and indexes."""
        for store in fields(self):
            await getattr(self, store.name).prepare()


@dataclass(frozen=True, slots=True)
class Keys:
    """What is computed from the private key of the tokens, and from notifications' public key."""

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
            codes=ContactCodes.from_private_key(private_key),
            hash=keyed_hash,
            receipts=Receipts(private_key),
            requests=RequestKeys(keyed_hash),
            sealer=KeySealer(contact_public_key),
            signer=TokenSigner(private_key),
            ticket=TicketKey.from_private_key(private_key),
            tickets=TicketOffice.from_private_key(private_key),
        )


class Parts:
    """
    The stores, the keys, and the use cases that several rooms call.

    Args:
        hold: how long a place is held for somebody without a verified contact; None: no place is held.
        stores: those of the database, unless some are others.
    """

    def __init__(
        self, database: Database, keys: Keys, hold: timedelta | None, stores: Stores | None = None
    ) -> None:
        self.database = database
        self.keys = keys
        self.stores = stores = stores or Stores.of(database)
        places = (stores.sessions, stores.participants, stores.registrations)
        self.booking = Booking(database, *places, sealer=keys.sealer, tickets=keys.tickets, hold=hold)
        self.promotion = Promotion(
            stores.participants, stores.registrations, sealer=keys.sealer, tickets=keys.tickets, hold=hold
        )
        self.cancellation = Cancellation(database, stores.sessions, stores.registrations, self.promotion)
        self.confirmation = PlaceConfirmation(database, *places, sealer=keys.sealer, tickets=keys.tickets)
        self.group_changes = GroupChanges(database, stores.groups, stores.participants, keys.sealer)
