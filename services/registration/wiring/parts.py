"""The stores, the keys, and the use cases that several rooms call."""

from datetime import timedelta

from services.registration.booking.book import Booking
from services.registration.booking.cancel import Cancellation
from services.registration.booking.confirm import PlaceConfirmation
from services.registration.booking.promote import Promotion
from services.registration.consents.judge import EnrolledMembers
from services.registration.group_bookings.change_members import GroupChange
from services.registration.merging.merge import Merging
from services.registration.participants.put_group import GroupChanges
from services.registration.wiring.keys import Keys
from services.registration.wiring.stores import Stores
from shared.storage.mongo import Database


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
        self.booking = Booking(
            database,
            *places,
            sealer=keys.sealer,
            tickets=keys.tickets,
            codes=keys.codes,
            hold=hold,
            enrolled=EnrolledMembers(stores.members, stores.consents).among,
        )
        self.promotion = Promotion(
            stores.participants, stores.registrations, sealer=keys.sealer, tickets=keys.tickets, hold=hold
        )
        self.cancellation = Cancellation(database, stores.sessions, stores.registrations, self.promotion)
        self.group_change = GroupChange(
            database,
            *places,
            self.promotion,
            members=stores.members,
            attendances=stores.attendances,
            consents=stores.consents,
        )
        self.confirmation = PlaceConfirmation(database, *places, sealer=keys.sealer, tickets=keys.tickets)
        self.merging = Merging(
            database, stores.participants, stores.members, stores.consents, stores.merges, stores.groups
        )
        self.group_changes = GroupChanges(database, stores.groups, stores.participants, keys.sealer)
