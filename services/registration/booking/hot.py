"""
Requests for places over HTTP. Many people send them at the same moment.

This is a hot endpoint (shared/web/hot_endpoints.py). Concurrent requests share one transaction.
"""

import re
from collections.abc import Callable
from datetime import timedelta

from services.registration.booking.batch import BookingRequest, Newcomer, Outcome
from services.registration.booking.bodies import (
    BookingOut,
    IdempotencyKey,
    NewcomerIn,
    RegistrationIn,
)
from services.registration.booking.book import Booking
from services.registration.booking.gather import Asked, Gathering
from services.registration.booking.idempotency import KEY_PATTERN, RequestKeys
from services.registration.participants.codes import ContactCodes
from services.registration.participants.given_contacts import GivenContacts
from services.registration.participants.keys import KeySealer
from services.registration.participants.limit import SmsLimit
from services.registration.participants.rules import ParticipantId, Profile
from services.registration.sessions.rules import SessionId
from shared.contracts.origin import Origin
from shared.contracts.sealing import encrypt_contact
from shared.runtime import clock
from shared.runtime.errors import NotAuthenticated, Overloaded, Rejected, Unavailable
from shared.runtime.ids import ordered_id
from shared.web.forms import invalid, read_form
from shared.web.hot import HotRequest
from shared.web.hot_endpoints import HotEndpoint
from shared.web.identity import AsParticipantOrNone
from shared.web.tokens import Participant, TokenSigner, bearer

# At the rate in docs/decisions/0007-booking.md all of them are answered within five seconds.
BOOKINGS_WAITING_MAX = 10_000
# A full queue is decided in less time. If a request waits longer, the database does not answer.
REGISTERED_SECONDS_MAX = 15.0
# A client that got no answer sends the request again within minutes. If it comes much later, somebody else
# may have found the request and its key.
TOKEN_AGAIN_MAX = timedelta(hours=24)

REGISTER = HotEndpoint(
    "POST",
    "/registrations",
    name="register",
    summary="Ask for places",
    description="""\
The answer is the outcome: confirmed with a ticket, held, or waitlisted with a position.
If you have not verified a contact yet, the place is `held`, or you wait, until the time in `until`.
Verify it before: then a held place is confirmed, with a ticket. If you are registered for the same time
elsewhere, `overlaps_with` is that registration.

If you are registered for the session already, you get that registration, with the code `already_registered`.
Nothing is kept of a request that is refused.
Refused, and may succeed later, even with the same key: `session_full`, `session_closed`, `session_not_open`,
`session_cancelled`, `places_above_capacity`, `overlaps`, `consent_needed` (409), `session_unknown` (404),
`group_unknown` (422), `session_for_confirmed`, `session_for_roster`, `places_need_group`,
`places_need_confirmation`, `held_too_many` (403).
Refused as it is: `contact_known` (sign in by `POST /sign-ins`), `idempotency_key_reused`,
`rounds_too_many` (409), `participant_erased`, `participant_unknown` (401), `participant_missing`,
`participant_and_token`, `contact_missing`, `contact_ambiguous`, `phone_invalid`, `phone_region`,
`phone_unsupported` (422), `sms_too_many` (429; of a newcomer with a phone number: give an e-mail address).
503 `overloaded`: it was not booked. Any other 503: it may be booked or not. Send it again after
`Retry-After`, with the same key: it is booked once.""",
    status=201,
    returns=BookingOut,
    asks={"form": RegistrationIn, "key": IdempotencyKey, "who": AsParticipantOrNone},
    responses={200: {"model": BookingOut, "description": "Nothing changed: it was so before"}},
)

_KEY = re.compile(KEY_PATTERN.replace("$", r"\Z"))


class Registering:
    """
    Takes requests for places, and answers each with its outcome.

    Args:
        sms: bounds the codes of newcomers with a phone number. Nothing is counted for others.
        verify: gets a token, and returns its participant.
        waiting_max: number of requests that may wait for a decision. If there are more, the last one of the
            sender who has most is refused.
        seconds_max: after this time a request gets the answer that it may have been booked or not.
    """

    def __init__(
        self,
        booking: Booking,
        *,
        keys: RequestKeys,
        sealer: KeySealer,
        codes: ContactCodes,
        given: GivenContacts,
        sms: SmsLimit,
        signer: TokenSigner,
        verify: Callable[[str], Participant],
        waiting_max: int = BOOKINGS_WAITING_MAX,
        seconds_max: float = REGISTERED_SECONDS_MAX,
    ) -> None:
        self._request_keys = keys
        self._sealer = sealer
        self._codes = codes
        self._given = given
        self._sms = sms
        self._signer = signer
        self._verify = verify
        self._gathering = Gathering(booking, waiting_max=waiting_max, seconds_max=seconds_max)

    @property
    def waiting(self) -> int:
        """Requests that are not decided yet."""
        return self._gathering.waiting

    async def register(self, request: HotRequest) -> tuple[int, bytes]:
        """
        Book one request. The answers are described in `REGISTER`.

        Raises:
            Rejected: the request cannot be considered; nothing was booked.
            Overloaded: too many wait, and nobody has more of them than this sender; nothing was booked.
            Unavailable: it may have been booked or not; with the same key it is booked once.
        """
        # Before all other work: requests that are refused must not slow down those that are accepted.
        if self._gathering.is_full:
            self._gathering.check_room(request.address, self._known(request.authorization))
        who = self._participant(request.authorization)
        key = _idempotency_key(request.idempotency_key)
        form = read_form(RegistrationIn, request.body)
        booking = self._booking_request(form, key, who)
        asked = Asked(booking, request.address, who.participant_id if who else "")
        if booking.newcomer is not None and booking.newcomer.profile.by_phone:
            async with self._sms.one(request.address) as counted:
                outcome = await self._book(asked)
                if outcome.repeated:
                    await self._sms.give_back(counted)
        else:
            outcome = await self._book(asked)
        return 200 if outcome.repeated else 201, self._body(outcome, form.participant)

    async def _book(self, asked: Asked) -> Outcome:
        try:
            outcome = await self._gathering.book(asked)
        except Overloaded:
            raise
        except Unavailable as error:
            raise Unavailable(
                f"{error.message}. The request may have been booked or not: send it again with the same"
                " Idempotency-Key, which books it once"
            ) from error
        if isinstance(outcome, Rejected):
            raise outcome
        return outcome

    def _participant(self, authorization: bytes) -> Participant | None:
        """The participant whose token the request carries, if it carries one."""
        if not authorization.lower().startswith(b"bearer "):
            return None
        return self._verify(bearer(authorization))

    def _known(self, authorization: bytes) -> str:
        """Whose token it is. Anybody can make up any number of tokens, so a wrong one is nobody's."""
        try:
            who = self._participant(authorization)
        except NotAuthenticated:
            return ""
        return who.participant_id if who else ""

    def _booking_request(self, form: RegistrationIn, key: str, who: Participant | None) -> BookingRequest:
        newcomer = form.participant
        if who is not None:
            if newcomer is not None:
                raise Rejected(
                    "leave out the participant, or the token of another one", code="participant_and_token"
                )
            participant_id = who.participant_id
            answer_id = self._request_keys.of_participant(participant_id, key)
        elif newcomer is not None:
            # A repeat may have another id: its answer has the participant of the first request.
            answer_id, participant_id = self._request_keys.of_newcomer(key), ordered_id(clock.now())
        else:
            raise Rejected("say who takes part, or give a token", code="participant_missing")
        return BookingRequest(
            answer_id=answer_id,
            # Without defaults. A later release may add a field, and an old request must keep its fingerprint.
            fingerprint=self._request_keys.fingerprint(form.model_dump_json(exclude_defaults=True).encode()),
            request_id=answer_id,
            participant_id=ParticipantId(participant_id),
            session_id=SessionId(form.session_id),
            places=form.places,
            newcomer=self._newcomer(newcomer) if newcomer else None,
            origin=Origin.of_request(),
        )

    def _newcomer(self, newcomer: NewcomerIn) -> Newcomer:
        contact = self._given.contact(newcomer.name, newcomer.email, newcomer.phone)
        contact_key = self._sealer.new_key()
        profile = Profile(
            kind="person",
            group_id=newcomer.group_id,
            district=newcomer.district,
            audience=newcomer.audience,
            language=newcomer.language,
            contact_locked=encrypt_contact(contact, contact_key.key),
            by_phone=contact.phone is not None,
        )
        to_prove = contact.plainly
        # Nearly always the plain spelling is what was typed.
        locked = profile.contact_locked if to_prove is contact else None
        proof = self._codes.proof(to_prove, contact_key.key, clock.now(), locked=locked)
        return Newcomer(profile, contact_key, proof)

    def _body(self, outcome: Outcome, newcomer: NewcomerIn | None) -> bytes:
        answer, now, token = outcome.answer, clock.now(), None
        if newcomer is not None and now - answer.answered_at < TOKEN_AGAIN_MAX:
            token = self._signer.sign(answer.participant_id, newcomer.group_id, newcomer.district, now)
        body = BookingOut(
            registration_id=answer.registration_id,
            participant_id=answer.participant_id,
            session_id=answer.session_id,
            status=answer.verdict,
            position=answer.position,
            ticket_code=outcome.ticket_code,
            code=answer.code,
            reason=answer.reason,
            until=answer.until,
            overlaps_with=answer.overlaps_with,
            token=token,
        )
        return body.model_dump_json().encode()


def _idempotency_key(header: bytes) -> str:
    if not header:
        raise invalid([{"type": "missing", "loc": ()}], "header", "Idempotency-Key")
    key = header.decode("latin-1")
    if not _KEY.match(key):
        wrong = {"type": "string_pattern_mismatch", "loc": (), "ctx": {"pattern": KEY_PATTERN}}
        raise invalid([wrong], "header", "Idempotency-Key")
    return key
