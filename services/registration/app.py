"""
The registration service put together: role api answers people, role worker books commands and relays.

This module has more than 350 lines: it names each part of the service once.
"""

from datetime import timedelta

from fastapi import FastAPI
from pydantic import Field

from services.registration.announcing import api as announcing_api
from services.registration.announcing import wording as announcing_wording
from services.registration.announcing.announce import Announcements
from services.registration.announcing.store import AnnouncementStore
from services.registration.booking import api as booking_api
from services.registration.booking import handlers as booking_handlers
from services.registration.booking import wording as booking_wording
from services.registration.booking.book import Booking
from services.registration.booking.cancel import Cancellation
from services.registration.booking.confirm import PlaceConfirmation
from services.registration.booking.expire import Expiry
from services.registration.booking.hot import REGISTER, Registering
from services.registration.booking.idempotency import RequestKeys
from services.registration.booking.last_word import LastWords
from services.registration.booking.promote import Promotion
from services.registration.booking.promote_owed import OwedPromotions
from services.registration.booking.store import RegistrationStore
from services.registration.booking.tickets import TicketOffice
from services.registration.calendars import api as calendars_api
from services.registration.check_in import api as check_in_api
from services.registration.check_in import wording as check_in_wording
from services.registration.check_in.check_in import CheckIn
from services.registration.check_in.judge import Judge
from services.registration.check_in.list_for_door import DoorLists
from services.registration.check_in.store import ScanStore
from services.registration.check_in.undo import Undo
from services.registration.consents import api as consents_api
from services.registration.consents import wording as consents_wording
from services.registration.consents.receipts import Receipts
from services.registration.consents.sign import Consents
from services.registration.consents.store import ConsentStore
from services.registration.erasure import api as erasure_api
from services.registration.erasure.erase import Erasure
from services.registration.erasure.finish import UnfinishedErasures
from services.registration.erasure.leave import Leaving
from services.registration.erasure.store import ErasureStore
from services.registration.group_bookings import api as group_bookings_api
from services.registration.group_bookings import wording as group_bookings_wording
from services.registration.group_bookings.book_members import GroupBooking
from services.registration.group_bookings.change_members import GroupChange
from services.registration.group_bookings.store import AttendanceStore
from services.registration.listing import api as listing_api
from services.registration.listing import wording as listing_wording
from services.registration.listing.export import Exports
from services.registration.listing.store import ListingStore
from services.registration.managers import api as managers_api
from services.registration.managers import wording as managers_wording
from services.registration.managers.apply import Applications
from services.registration.managers.manage import Managers
from services.registration.managers.store import ManagerStore
from services.registration.merging import api as merging_api
from services.registration.merging import wording as merging_wording
from services.registration.merging.merge import Merging
from services.registration.merging.move import UnfinishedMerges
from services.registration.merging.store import MergeStore
from services.registration.on_behalf import api as on_behalf_api
from services.registration.on_behalf import wording as on_behalf_wording
from services.registration.on_behalf.register import OnBehalf
from services.registration.participants import api as participants_api
from services.registration.participants import wording as participants_wording
from services.registration.participants.codes import ContactCodes
from services.registration.participants.keys import KeySealer
from services.registration.participants.put_group import GroupChanges
from services.registration.participants.store import GroupStore, ParticipantStore
from services.registration.programme import api as programme_api
from services.registration.programme import wording as programme_wording
from services.registration.programme.cancel import ProgrammeCancellation
from services.registration.programme.change import ProgrammeChanges
from services.registration.programme.notify import Notices
from services.registration.programme.remove import ProgrammeRemoval
from services.registration.programme.store import ActivityStore
from services.registration.reminders.remind import Reminding
from services.registration.reminders.store import ReminderStore
from services.registration.rosters import api as rosters_api
from services.registration.rosters import wording as rosters_wording
from services.registration.rosters.admit import MemberAdmission
from services.registration.rosters.edit_member import MemberChanges
from services.registration.rosters.import_lines import RosterImports
from services.registration.rosters.preview import Previews
from services.registration.rosters.store import ImportStore, RosterStore
from services.registration.sessions.store import SessionStore
from services.registration.sign_ins import api as sign_ins_api
from services.registration.sign_ins import wording as sign_ins_wording
from services.registration.sign_ins.ask import Asking
from services.registration.sign_ins.change import OwnData
from services.registration.sign_ins.join import Joining
from services.registration.sign_ins.limit import Limit
from services.registration.sign_ins.store import SignInStore
from services.registration.sign_ins.verify import ContactVerification
from services.registration.statistics import api as statistics_api
from services.registration.statistics.count import Counting
from services.registration.statistics.store import StatisticsStore
from services.registration.tickets import api as tickets_api
from services.registration.tickets import wording as tickets_wording
from services.registration.tickets.draw import Drawings
from services.registration.tickets.give import Tickets
from services.registration.tickets.keys import TicketKey
from shared.runtime.keyed_hash import KeyedHash
from shared.runtime.settings import ContactPublicKey, PrivatePem, Settings, read
from shared.service import Service, build
from shared.web.app import serve
from shared.web.tokens import TokenSigner

# With another purpose all hashes in the database would be other ones.
HASH_PURPOSE = b"kepu registration idempotency"


class RegistrationSettings(Settings):
    """The settings of registration."""

    database: str = Field("kepu_registration", description="name of registration's own database")
    token_private_key: PrivatePem = Field(description="Ed25519 private key that participants' tokens get")
    hold_minutes: int = Field(
        30,
        ge=0,
        le=1_440,
        description=(
            "how many minutes a place is held for somebody who has not verified an e-mail; 0: places"
            " are confirmed at once, also without it"
        ),
    )
    contact_public_key: ContactPublicKey = Field(
        description="public key that participants' keys are sealed with, base64"
    )


async def _wire_groups(
    service: Service[RegistrationSettings],
    booking: Booking,
    promotion: Promotion,
    *,
    sessions: SessionStore,
    participants: ParticipantStore,
    groups: GroupStore,
    registrations: RegistrationStore,
    admission: MemberAdmission,
    group_changes: GroupChanges,
    receipts: Receipts,
    managers: ManagerStore,
    members: RosterStore,
    consents: ConsentStore,
) -> None:
    """Put the rooms of schools, units and service teams together: who manages them, and what for."""
    database = service.database
    imports, attendances = ImportStore(database), AttendanceStore(database)
    for store in (imports, attendances):
        await store.prepare()
    roster = (database, members, imports, groups, participants, admission)
    if service.serves_http:
        service.provide(
            managers,
            members,
            imports,
            attendances,
            Managers(database, managers, groups, participants),
            Applications(
                database,
                managers,
                groups,
                participants,
                changes=group_changes,
                keyed_hash=admission.hash,
            ),
            Previews(*roster),
            MemberChanges(database, members, groups, participants, admission, forget=(consents.remove,)),
            Consents(database, consents, members, participants, receipts),
            GroupBooking(database, booking, members, attendances, consents, sessions),
            GroupChange(
                database,
                sessions,
                participants,
                registrations,
                promotion,
                members=members,
                attendances=attendances,
                consents=consents,
            ),
        )
    if service.runs_background:
        service.run(RosterImports(*roster).loop)


async def _wire_sign_ins(
    service: Service[RegistrationSettings],
    participants: ParticipantStore,
    *,
    codes: ContactCodes,
    confirmation: PlaceConfirmation,
    sealer: KeySealer,
    signer: TokenSigner,
    keyed_hash: KeyedHash,
) -> None:
    database, ended, sign_ins = service.database, service.ended_tokens, SignInStore(service.database)
    await sign_ins.prepare()
    if service.serves_http:
        asking = Asking(database, participants, sign_ins, codes)
        service.provide(
            asking,
            codes,
            sealer,
            signer,
            Limit(sign_ins, keyed_hash),
            Joining(database, participants),
            ContactVerification(database, participants, sign_ins, codes, confirmation, ended_tokens=ended),
            OwnData(database, participants, asking, ended),
        )


async def _wire_merging(
    service: Service[RegistrationSettings],
    sessions: SessionStore,
    participants: ParticipantStore,
    registrations: RegistrationStore,
    *,
    sealer: KeySealer,
    tickets: TicketOffice,
    promotion: Promotion,
    cancellation: Cancellation,
    managers: ManagerStore,
    members: RosterStore,
    consents: ConsentStore,
) -> None:
    database, merges = service.database, MergeStore(service.database)
    await merges.prepare()
    if service.serves_http:
        service.provide(Merging(database, participants, members, consents, merges))
    if service.runs_background:
        unfinished = UnfinishedMerges(
            database,
            merges,
            sessions,
            participants,
            registrations,
            sealer=sealer,
            tickets=tickets,
            promotion=promotion,
            cancellation=cancellation,
            forget=(managers.forget,),
        )
        service.run(unfinished.loop)


async def wire(service: Service[RegistrationSettings]) -> None:
    """Put the service's rooms together. More than 60 lines: each names a part of the service once."""
    database = service.database
    registering: Registering | None = None
    sessions, activities = SessionStore(database), ActivityStore(database)
    participants, groups = ParticipantStore(database), GroupStore(database)
    registrations, erasures = RegistrationStore(database), ErasureStore(database)
    reminders, announcements = ReminderStore(database), AnnouncementStore(database)
    managers, members = ManagerStore(database), RosterStore(database)
    consents, scans = ConsentStore(database), ScanStore(database)
    stores = (sessions, activities, participants, groups, registrations, erasures, reminders, announcements)
    for store in (*stores, managers, members, consents, scans):
        await store.prepare()
    private_key = service.settings.token_private_key.get_secret_value()
    sealer = KeySealer(service.settings.contact_public_key)
    codes = ContactCodes.from_private_key(private_key)
    tickets = TicketOffice.from_private_key(private_key)
    hold = timedelta(minutes=service.settings.hold_minutes) or None
    booking = Booking(
        database, sessions, participants, registrations, sealer=sealer, tickets=tickets, hold=hold
    )
    promotion = Promotion(participants, registrations, sealer=sealer, tickets=tickets, hold=hold)
    cancellation = Cancellation(database, sessions, registrations, promotion)
    announcing = Announcements(database, announcements, sessions, participants)
    keyed_hash = KeyedHash.from_private_key(private_key, HASH_PURPOSE)
    request_keys = RequestKeys(keyed_hash)
    group_changes = GroupChanges(database, groups, participants, sealer)
    await _wire_groups(
        service,
        booking,
        promotion,
        sessions=sessions,
        participants=participants,
        groups=groups,
        registrations=registrations,
        admission=MemberAdmission(sealer, keyed_hash, codes),
        group_changes=group_changes,
        receipts=Receipts(private_key),
        managers=managers,
        members=members,
        consents=consents,
    )
    await _wire_merging(
        service,
        sessions,
        participants,
        registrations,
        sealer=sealer,
        tickets=tickets,
        promotion=promotion,
        cancellation=cancellation,
        managers=managers,
        members=members,
        consents=consents,
    )
    signer = TokenSigner(private_key)
    confirmation = PlaceConfirmation(
        database, sessions, participants, registrations, sealer=sealer, tickets=tickets
    )
    await _wire_sign_ins(
        service,
        participants,
        codes=codes,
        confirmation=confirmation,
        sealer=sealer,
        signer=signer,
        keyed_hash=keyed_hash,
    )
    if service.serves_http:
        registering = Registering(
            booking,
            keys=request_keys,
            sealer=sealer,
            codes=codes,
            signer=signer,
            verify=service.participant_of,
        )
        service.answer(REGISTER.answered_by(registering.register))
        service.provide(sessions, activities, participants, groups, registrations, keyed_hash, cancellation)
        listing = ListingStore(database)
        service.provide(
            group_changes,
            ProgrammeChanges(database, activities, sessions, registrations, reminders, promotion),
            ProgrammeCancellation(database, activities, sessions),
            ProgrammeRemoval(database, activities, sessions),
            Erasure(database, participants, erasures),
            confirmation,
            Counting(sessions, StatisticsStore(database)),
            listing,
            Exports(listing),
            tickets,
            announcements,
            announcing,
            OnBehalf(booking, request_keys, sealer, codes),
        )
        ticket_key = TicketKey.from_private_key(private_key)
        judge = Judge(sessions, participants, registrations, scans, tickets, ticket_key)
        service.provide(
            ticket_key,
            Tickets(sessions, participants, registrations, ticket_key),
            Drawings(),
            CheckIn(database, sessions, scans, judge),
            Undo(database, scans, judge),
            DoorLists(database, sessions, participants, registrations, ticket_key),
            scans,
        )
    if service.runs_background:
        service.consume(*booking_handlers.subscriptions(booking, sealer, registering))
        service.run(
            Reminding(database, sessions, participants, registrations, reminders).loop,
            Notices(database, activities, sessions, participants, registrations).loop,
            OwedPromotions(database, sessions, promotion).loop,
            Expiry(database, sessions, registrations, promotion).loop,
            LastWords(database, sessions, registrations).loop,
            announcing.loop,
            UnfinishedErasures(erasures, registrations, cancellation, forget=(managers.forget,)).loop,
            Leaving(database, participants, registrations).loop,
        )


def assemble(settings: RegistrationSettings) -> FastAPI:
    """The service's app."""
    return build(
        settings,
        wire,
        name="registration",
        database=settings.database,
        title="Kepu Week: registration",
        description="Activities and their sessions, places, waiting lists, tickets and check-in.",
        routers=[
            programme_api.routes,
            booking_api.routes,
            tickets_api.routes,
            check_in_api.routes,
            listing_api.routes,
            announcing_api.routes,
            on_behalf_api.routes,
            participants_api.routes,
            managers_api.routes,
            rosters_api.routes,
            group_bookings_api.routes,
            consents_api.routes,
            sign_ins_api.routes,
            erasure_api.routes,
            calendars_api.routes,
            statistics_api.routes,
            merging_api.routes,
        ],
        hot=[REGISTER],
        chinese=(
            participants_wording.CHINESE
            | managers_wording.CHINESE
            | rosters_wording.CHINESE
            | group_bookings_wording.CHINESE
            | consents_wording.CHINESE
            | booking_wording.CHINESE
            | programme_wording.CHINESE
            | tickets_wording.CHINESE
            | check_in_wording.CHINESE
            | announcing_wording.CHINESE
            | listing_wording.CHINESE
            | on_behalf_wording.CHINESE
            | merging_wording.CHINESE
            | sign_ins_wording.CHINESE
        ),
    )


if __name__ == "__main__":
    settings = read(RegistrationSettings)
    serve(assemble(settings), settings)
