"""The stores of all rooms."""

from dataclasses import dataclass, fields

from services.registration.announcing.store import AnnouncementStore
from services.registration.booking.store import RegistrationStore
from services.registration.check_in.store import ScanStore
from services.registration.claims.store import ClaimStore
from services.registration.consents.store import ConsentStore
from services.registration.erasure.store import ErasureStore
from services.registration.group_bookings.store import AttendanceStore
from services.registration.managers.store import ManagerStore
from services.registration.merging.store import MergeStore
from services.registration.participants.store import GroupStore, ParticipantStore, SmsCounts
from services.registration.programme.store import ActivityStore
from services.registration.reminders.store import ReminderStore
from services.registration.rosters.store import ImportStore, RosterStore
from services.registration.rotas.store import RotaStore
from services.registration.sessions.store import SessionStore
from services.registration.sign_ins.store import SignInStore
from shared.storage.mongo import Database


@dataclass(frozen=True, slots=True)
class Stores:
    """All stores that have collections of their own."""

    activities: ActivityStore
    announcements: AnnouncementStore
    attendances: AttendanceStore
    claims: ClaimStore
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
    rotas: RotaStore
    scans: ScanStore
    sessions: SessionStore
    sign_ins: SignInStore
    sms_counts: SmsCounts

    @classmethod
    def of(cls, database: Database) -> "Stores":
        """The stores of this database."""
        return cls(
            activities=ActivityStore(database),
            announcements=AnnouncementStore(database),
            attendances=AttendanceStore(database),
            claims=ClaimStore(database),
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
            rotas=RotaStore(database),
            scans=ScanStore(database),
            sessions=SessionStore(database),
            sign_ins=SignInStore(database),
            sms_counts=SmsCounts(database),
        )

    async def prepare(self) -> None:
        """Create collections and indexes."""
        for store in fields(self):
            await getattr(self, store.name).prepare()
