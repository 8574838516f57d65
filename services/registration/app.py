"""
The registration service put together: role api answers people, role worker books commands and relays.

This module has more than 350 lines: it names each part of the service once.
"""

from datetime import timedelta
from typing import Self

from fastapi import FastAPI
from pydantic import Field, model_validator

from services.registration.announcing import api as announcing_api
from services.registration.announcing import wording as announcing_wording
from services.registration.announcing.announce import Announcements
from services.registration.award_names import api as award_names_api
from services.registration.award_names import wording as award_names_wording
from services.registration.award_names.choose import NameChoices
from services.registration.award_names.events import NameSealer
from services.registration.award_names.publish import Naming
from services.registration.booking import api as booking_api
from services.registration.booking import handlers as booking_handlers
from services.registration.booking import wording as booking_wording
from services.registration.booking.expire import Expiry
from services.registration.booking.hot import REGISTER, Registering
from services.registration.booking.last_word import LastWords
from services.registration.booking.positions import Positions
from services.registration.booking.promote_owed import OwedPromotions
from services.registration.calendars import api as calendars_api
from services.registration.check_in import api as check_in_api
from services.registration.check_in import wording as check_in_wording
from services.registration.check_in.check_in import CheckIn
from services.registration.check_in.judge import Judge
from services.registration.check_in.list_for_door import DoorLists
from services.registration.check_in.undo import Undo
from services.registration.claims import api as claims_api
from services.registration.claims import wording as claims_wording
from services.registration.claims.claim import Claiming
from services.registration.claims.issue import ClaimCodeIssue
from services.registration.claims.leave_group import GroupLeaving
from services.registration.claims.limit import TriesLimit
from services.registration.consents import api as consents_api
from services.registration.consents import wording as consents_wording
from services.registration.consents.judge import EnrolledMembers
from services.registration.consents.sign import Consents
from services.registration.erasure import api as erasure_api
from services.registration.erasure.erase import Erasure
from services.registration.erasure.leave import Leaving
from services.registration.group_bookings import api as group_bookings_api
from services.registration.group_bookings import wording as group_bookings_wording
from services.registration.group_bookings.book_members import GroupBooking
from services.registration.listing import api as listing_api
from services.registration.listing import wording as listing_wording
from services.registration.listing.lists import Lists
from services.registration.listing.store import ListingStore
from services.registration.managers import api as managers_api
from services.registration.managers import wording as managers_wording
from services.registration.managers.apply import Applications
from services.registration.managers.limit import GroupLimit
from services.registration.managers.manage import Managers
from services.registration.merging import api as merging_api
from services.registration.merging import wording as merging_wording
from services.registration.on_behalf import api as on_behalf_api
from services.registration.on_behalf import wording as on_behalf_wording
from services.registration.on_behalf.register import OnBehalf
from services.registration.participants import api as participants_api
from services.registration.participants import wording as participants_wording
from services.registration.participants.given_contacts import PHONE_REGIONS_MAX, GivenContacts
from services.registration.participants.limit import SmsLimit
from services.registration.programme import api as programme_api
from services.registration.programme import wording as programme_wording
from services.registration.programme.cancel import ProgrammeCancellation
from services.registration.programme.change import ProgrammeChanges
from services.registration.programme.notify import Notices
from services.registration.programme.remove import ProgrammeRemoval
from services.registration.reminders.remind import Reminding
from services.registration.rosters import api as rosters_api
from services.registration.rosters import wording as rosters_wording
from services.registration.rosters.admit import MemberAdmission
from services.registration.rosters.edit_member import MemberChanges
from services.registration.rosters.import_lines import RosterImports
from services.registration.rosters.preview import Previews
from services.registration.rotas import api as rotas_api
from services.registration.rotas import wording as rotas_wording
from services.registration.rotas.assign import Assigning
from services.registration.rotas.busy import Overlaps
from services.registration.rotas.end import Ending
from services.registration.rotas.notify import RotaNotices
from services.registration.rotas.put_shift import ShiftChanges
from services.registration.rotas.remind import RotaReminding
from services.registration.sign_ins import api as sign_ins_api
from services.registration.sign_ins import wording as sign_ins_wording
from services.registration.sign_ins.ask import Asking
from services.registration.sign_ins.change import OwnData
from services.registration.sign_ins.join import Joining
from services.registration.sign_ins.limit import Limit
from services.registration.sign_ins.verify import ContactVerification
from services.registration.statistics import api as statistics_api
from services.registration.statistics.count import Counting
from services.registration.statistics.store import StatisticsStore
from services.registration.tickets import api as tickets_api
from services.registration.tickets import wording as tickets_wording
from services.registration.tickets.draw import Drawings
from services.registration.tickets.give import Tickets
from services.registration.wiring.keys import Keys
from services.registration.wiring.leavers import (
    forgetting,
    taking_off,
    unfinished_erasures,
    unfinished_merges,
)
from services.registration.wiring.parts import Parts
from shared.runtime.settings import ContactPublicKey, NamePublicKey, PrivatePem, Settings, read
from shared.service import Service, build
from shared.web.app import serve


class RegistrationSettings(Settings):
    """The settings of registration."""

    database: str = Field("kepu_registration", description="name of registration's own database")
    token_private_key: PrivatePem = Field(description="Ed25519 private key that signs participants' tokens")
    hold_minutes: int = Field(
        30,
        ge=0,
        le=1_440,
        description=(
            "how many minutes a place is held for somebody who has not verified a contact; 0: places"
            " are confirmed at once, also without it"
        ),
    )
    contact_public_key: ContactPublicKey = Field(
        description="public key that participants' keys are sealed with, base64"
    )
    name_public_key: NamePublicKey | None = Field(
        None,
        description="awards' public key, base64: seals names for awards; without it awards hears of none",
    )
    phone_contacts: bool = Field(
        False,
        description="whether newcomers may give a mobile phone number instead of an e-mail address; only if "
        "notifications has an SMS gateway",
    )
    sms_codes_hour_max: int = Field(
        60,
        ge=1,
        description="codes by SMS that may be asked for from one network in an hour; from a site of IPv6 ten "
        "times as many. A school is one network",
    )
    sms_codes_day_max: int = Field(
        200,
        ge=1,
        description="the same for a day; the default is a tenth of the one of KEPU_SMS_PARTS_DAY_MAX",
    )
    phone_regions: str = Field(
        "CN",
        pattern=rf"^[A-Z]{{2}}(?:,[A-Z]{{2}}){{0,{PHONE_REGIONS_MAX - 1}}}$",
        description="regions whose mobile numbers are accepted, with commas between; numbers without a "
        "country code belong to the first region",
    )

    @model_validator(mode="after")
    def _regions_are_known(self) -> Self:
        self.given_contacts()
        return self

    def given_contacts(self) -> GivenContacts:
        """Reads the contacts that people give."""
        return GivenContacts(self.phone_regions.split(",") if self.phone_contacts else ())


def _wire_programme(service: Service[RegistrationSettings], parts: Parts) -> None:
    """Activities with their sessions, and messages about them."""
    database, stores = parts.database, parts.stores
    announcing = Announcements(database, stores.announcements, stores.sessions, stores.participants)
    planned = (database, stores.activities, stores.sessions)
    if service.serves_http:
        service.provide(
            stores.activities,
            stores.sessions,
            stores.announcements,
            announcing,
            ProgrammeChanges(*planned, stores.registrations, stores.reminders, stores.rotas, parts.promotion),
            ProgrammeCancellation(*planned, stores.rotas),
            ProgrammeRemoval(*planned, stores.rotas),
            Counting(stores.sessions, StatisticsStore(database)),
        )
    if service.runs_background:
        service.run(
            announcing.loop,
            Notices(*planned, stores.participants, stores.registrations).loop,
            Reminding(
                database, stores.sessions, stores.participants, stores.registrations, stores.reminders
            ).loop,
        )


def _wire_rotas(service: Service[RegistrationSettings], parts: Parts) -> None:
    """Who works at a session."""
    database, stores = parts.database, parts.stores
    if service.serves_http:
        service.provide(
            stores.rotas,
            ShiftChanges(database, stores.sessions, stores.rotas),
            Assigning(
                database,
                stores.sessions,
                stores.participants,
                stores.rotas,
                EnrolledMembers(stores.members, stores.consents),
            ),
            Ending(database, stores.sessions, stores.rotas),
            Overlaps(stores.rotas, stores.sessions, stores.registrations),
        )
    if service.runs_background:
        people = (stores.sessions, stores.participants, stores.rotas)
        service.run(RotaNotices(database, *people).loop, RotaReminding(database, *people).loop)


def _wire_booking(
    service: Service[RegistrationSettings], parts: Parts, given: GivenContacts, sms: SmsLimit
) -> Registering | None:
    """
    Places: people ask and wait for them, and give them back.

    Returns: who asks for places in this process.
    """
    database, stores, keys = parts.database, parts.stores, parts.keys
    registering: Registering | None = None
    if service.serves_http:
        registering = Registering(
            parts.booking,
            keys=keys.requests,
            sealer=keys.sealer,
            codes=keys.codes,
            given=given,
            sms=sms,
            signer=keys.signer,
            verify=service.participant_of,
        )
        service.answer(REGISTER.answered_by(registering.register))
        listing = ListingStore(database)
        service.provide(
            stores.registrations,
            Positions(stores.registrations),
            keys.hash,
            parts.cancellation,
            parts.confirmation,
            listing,
            Lists(listing),
            OnBehalf(parts.booking, keys.requests, keys.sealer, keys.codes),
        )
    if service.runs_background:
        service.consume(*booking_handlers.subscriptions(parts.booking, keys.sealer, registering))
        service.run(
            OwedPromotions(database, stores.sessions, parts.promotion).loop,
            Expiry(database, stores.sessions, stores.registrations, parts.promotion).loop,
            LastWords(database, stores.sessions, stores.registrations).loop,
        )
    return registering


def _wire_door(service: Service[RegistrationSettings], parts: Parts) -> None:
    """Tickets, and who is let in."""
    database, stores, keys = parts.database, parts.stores, parts.keys
    if service.serves_http:
        places = (stores.sessions, stores.participants, stores.registrations)
        judge = Judge(*places, stores.scans, keys.tickets, keys.ticket)
        service.provide(
            stores.scans,
            keys.ticket,
            keys.tickets,
            Tickets(*places, keys.ticket),
            Drawings(),
            CheckIn(database, stores.sessions, stores.scans, judge),
            Undo(database, stores.scans, judge),
            DoorLists(database, *places, keys.ticket),
        )


def _wire_participants(
    service: Service[RegistrationSettings], parts: Parts, given: GivenContacts, sms: SmsLimit
) -> None:
    """Participants: joining, signing in, leaving, and merging doubles."""
    database, stores, keys = parts.database, parts.stores, parts.keys
    participants = stores.participants
    if service.serves_http:
        asking = Asking(database, participants, stores.sign_ins, keys.codes)
        service.provide(
            participants,
            asking,
            given,
            sms,
            keys.codes,
            keys.sealer,
            keys.signer,
            Limit(stores.sign_ins, keys.hash),
            Joining(database, participants, keys.codes),
            ContactVerification(
                database,
                participants,
                stores.sign_ins,
                keys.codes,
                parts.confirmation,
                ended_tokens=service.ended_tokens,
                members=stores.members,
                groups=stores.groups,
            ),
            OwnData(database, participants, asking, service.ended_tokens),
            Erasure(database, participants, stores.erasures),
            parts.merging,
        )
    if service.runs_background:
        service.run(
            Leaving(database, participants, stores.registrations).loop,
            unfinished_erasures(parts).loop,
            forgetting(parts).loop,
            unfinished_merges(parts).loop,
        )


def _wire_award_names(
    service: Service[RegistrationSettings], parts: Parts, people: Registering | None
) -> None:
    """Names on awards: what participants choose, and how awards hears of it."""
    database, stores = parts.database, parts.stores
    if service.serves_http:
        service.provide(NameChoices(database, stores.participants, stores.members))
    if service.runs_background and (public_key := service.settings.name_public_key) is not None:
        naming = Naming(
            database,
            stores.participants,
            stores.groups,
            sealer=NameSealer(public_key),
            keyed_hash=parts.keys.hash,
            people=people,
        )
        service.run(naming.loop)


def _wire_groups(service: Service[RegistrationSettings], parts: Parts) -> None:
    """Schools, units and service teams: who manages them, their rosters, and places for members."""
    database, stores, keys = parts.database, parts.stores, parts.keys
    members, participants = stores.members, stores.participants
    admission = MemberAdmission(keys.sealer, keys.hash, keys.codes)
    roster = (database, members, stores.imports, stores.groups, participants, admission)
    if service.serves_http:
        limit = GroupLimit(stores.sign_ins.count, keys.hash)
        managed = (database, stores.managers, stores.groups, participants)
        service.provide(
            stores.groups,
            stores.managers,
            members,
            stores.imports,
            stores.attendances,
            parts.group_changes,
            limit,
            Managers(*managed),
            Applications(*managed, changes=parts.group_changes, keyed_hash=keys.hash),
            Previews(*roster, limit=limit),
            MemberChanges(
                database,
                members,
                stores.groups,
                participants,
                admission,
                forget=(stores.consents.remove, stores.claims.remove),
                check_renamed=(stores.consents.check_renamed,),
            ),
            Consents(database, stores.consents, members, participants, keys.receipts),
            GroupBooking(
                database, parts.booking, members, stores.attendances, stores.consents, stores.sessions
            ),
            parts.group_change,
        )
    if service.runs_background:
        service.run(RosterImports(*roster).loop, taking_off(parts).loop)


def _wire_claims(service: Service[RegistrationSettings], parts: Parts) -> None:
    """Members of rosters who claim their membership with a code."""
    database, stores, keys = parts.database, parts.stores, parts.keys
    if service.serves_http:
        claims = (database, stores.members, stores.participants, stores.claims, keys.claims)
        service.provide(
            TriesLimit(stores.sign_ins, keys.hash),
            ClaimCodeIssue(*claims),
            Claiming(*claims, merging=parts.merging, ended_tokens=service.ended_tokens),
            GroupLeaving(database, stores.members, stores.participants, stores.consents),
        )


async def wire(service: Service[RegistrationSettings]) -> None:
    """Put the service's rooms together."""
    settings = service.settings
    keys = Keys.of(settings.token_private_key.get_secret_value(), settings.contact_public_key)
    parts = Parts(service.database, keys, timedelta(minutes=settings.hold_minutes) or None)
    await parts.stores.prepare()
    given = settings.given_contacts()
    sms = SmsLimit(
        parts.stores.sms_counts,
        keys.hash,
        hour_max=settings.sms_codes_hour_max,
        day_max=settings.sms_codes_day_max,
    )
    _wire_programme(service, parts)
    _wire_rotas(service, parts)
    people = _wire_booking(service, parts, given, sms)
    _wire_door(service, parts)
    _wire_participants(service, parts, given, sms)
    _wire_award_names(service, parts, people)
    _wire_groups(service, parts)
    _wire_claims(service, parts)


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
            rotas_api.routes,
            on_behalf_api.routes,
            participants_api.routes,
            managers_api.routes,
            rosters_api.routes,
            group_bookings_api.routes,
            consents_api.routes,
            claims_api.routes,
            sign_ins_api.routes,
            award_names_api.routes,
            erasure_api.routes,
            calendars_api.routes,
            statistics_api.routes,
            merging_api.routes,
        ],
        hot=[REGISTER],
        chinese=(
            participants_wording.CHINESE
            | award_names_wording.CHINESE
            | managers_wording.CHINESE
            | rosters_wording.CHINESE
            | group_bookings_wording.CHINESE
            | consents_wording.CHINESE
            | claims_wording.CHINESE
            | booking_wording.CHINESE
            | programme_wording.CHINESE
            | tickets_wording.CHINESE
            | check_in_wording.CHINESE
            | announcing_wording.CHINESE
            | rotas_wording.CHINESE
            | listing_wording.CHINESE
            | on_behalf_wording.CHINESE
            | merging_wording.CHINESE
            | sign_ins_wording.CHINESE
        ),
    )


if __name__ == "__main__":
    settings = read(RegistrationSettings)
    serve(assemble(settings), settings)
