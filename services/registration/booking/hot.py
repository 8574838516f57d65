"""
Asking for places over HTTP: what a rush of people does.

It is a hot route (shared/web/hot.py), and concurrent requests share one transaction.
"""

import re
from collections.abc import Callable
from datetime import timedelta

from services.registration.booking.batch import BookingRequest, Newcomer, Outcome
from services.registration.booking.bodies import BookingOut, NewcomerIn, RegistrationIn
from services.registration.booking.book import BOOKINGS_MAX, book
from services.registration.booking.events import Origin
from services.registration.booking.idempotency import KEY_PATTERN, RequestKeys
from services.registration.booking.rules import ParticipantId, SessionId
from services.registration.participants.rules import Profile
from services.registration.programme.store import RegistrationStore
from shared.contracts.sealing import Contact, lock_contact
from shared.messaging.group_commit import GroupCommit
from shared.runtime import clock, logs
from shared.runtime.errors import Forbidden, Overloaded, Rejected, Unavailable
from shared.runtime.ids import ordered_id
from shared.web.forms import invalid, read_form
from shared.web.hot import HotRequest, HotRoute
from shared.web.tokens import Participant, TokenSigner, bearer

REGISTER_PATH = "/registrations"
# A whole rush at once; at the rate in docs/decisions/0007-booking.md it is served within five seconds.
BOOKINGS_WAITING_MAX = 10_000
# More than a full queue takes: who waits longer waits for a database that does not answer.
REGISTERED_SECONDS_MAX = 15.0
# Anybody can be a newcomer as often as they like: what one of them takes away from others is small.
NEWCOMER_PLACES_MAX = 5
# A client that got no answer asks again within minutes. Whoever comes later with the same request and key
# may be somebody who found them.
TOKEN_AGAIN_MAX = timedelta(hours=24)

_KEY = re.compile(KEY_PATTERN.replace("$", r"\Z"))


class Registering:
    """
    Takes requests for places, and answers each with its outcome.

    Args:
        verify: tells whose token a request carries.
        waiting_max: requests accepted and not yet decided; beyond it they are refused.
        seconds_max: after so long a request is answered that it may have been booked or not.
    """

    def __init__(
        self,
        store: RegistrationStore,
        *,
        keys: RequestKeys,
        signer: TokenSigner,
        verify: Callable[[str], Participant],
        waiting_max: int = BOOKINGS_WAITING_MAX,
        seconds_max: float = REGISTERED_SECONDS_MAX,
    ) -> None:
        self._keys = keys
        self._signer = signer
        self._verify = verify
        self._lockbox = store.lockbox
        self._bookings: GroupCommit[BookingRequest, Outcome | Rejected] = GroupCommit(
            "bookings",
            lambda requests: book(requests, store),
            items_max=BOOKINGS_MAX,
            waiting_max=waiting_max,
            seconds_max=seconds_max,
        )

    def routes(self) -> list[HotRoute]:
        """What the service adds to its hot routes."""
        return [HotRoute("POST", REGISTER_PATH, self.register)]

    async def register(self, request: HotRequest) -> tuple[int, bytes]:
        """
        Book one request; `api.register` says what it is answered.

        Raises:
            Rejected: the request cannot be considered; nothing was booked.
            Overloaded: too many wait already; nothing was booked.
            Unavailable: it may have been booked or not; with the same key it is booked once.
        """
        # First of all: a crowd beyond the bound must not cost what those within it are waiting for.
        self._bookings.check_room()
        who = self._who(request.authorization)
        key = _key(request.idempotency_key)
        form = read_form(RegistrationIn, request.body)
        booking = self._asked(form, key, who)
        try:
            outcome = await self._bookings.add(booking)
        except Overloaded:
            raise
        except Unavailable as error:
            raise Unavailable(
                f"{error.message}. The request may have been booked or not: send it again with the same"
                " Idempotency-Key, which books it once"
            ) from error
        if isinstance(outcome, Rejected):
            raise outcome
        return 200 if outcome.repeated else 201, self._answered(outcome, form.participant)

    def _who(self, authorization: bytes) -> Participant | None:
        """The participant whose token the request carries, if it carries one."""
        if not authorization.lower().startswith(b"bearer "):
            return None
        return self._verify(bearer(authorization, missing="there is no token", code="token_missing"))

    def _asked(self, form: RegistrationIn, key: str, who: Participant | None) -> BookingRequest:
        newcomer = form.participant
        if who is not None:
            if newcomer is not None:
                raise Rejected(
                    "leave out the participant, or the token of another one", code="participant_and_token"
                )
            id_, participant_id = self._keys.of_participant(who.participant_id, key), who.participant_id
        elif newcomer is not None:
            if form.places > NEWCOMER_PLACES_MAX:
                raise Forbidden(
                    f"a newcomer gets at most {NEWCOMER_PLACES_MAX} places; have your group registered,"
                    " or ask for more with your token",
                    code="places_need_group",
                    places=NEWCOMER_PLACES_MAX,
                )
            # A repeat is answered with the first one's id, so that this one need not derive from the key.
            id_, participant_id = self._keys.of_newcomer(key), ordered_id(clock.now())
        else:
            raise Rejected("say who takes part, or give a token", code="participant_missing")
        return BookingRequest(
            key=id_,
            fingerprint=self._keys.fingerprint(form.model_dump_json().encode()),
            request_id=id_,
            participant_id=ParticipantId(participant_id),
            session_id=SessionId(form.session_id),
            places=form.places,
            newcomer=self._newcomer(newcomer) if newcomer else None,
            origin=Origin(correlation_id=logs.correlation_id.get()),
        )

    def _newcomer(self, newcomer: NewcomerIn) -> Newcomer:
        key = self._lockbox.new_key()
        # Checked already, by the form.
        contact = Contact.model_construct(name=newcomer.name, email=newcomer.email)
        profile = Profile(
            kind="person",
            group_id=newcomer.group_id,
            district=newcomer.district,
            audience=newcomer.audience,
            language=newcomer.language,
            contact_locked=lock_contact(contact, key.key),
        )
        return Newcomer(profile, key)

    def _answered(self, outcome: Outcome, newcomer: NewcomerIn | None) -> bytes:
        answer, now, token = outcome.answer, clock.now(), None
        if newcomer is not None and now - answer.answered_at < TOKEN_AGAIN_MAX:
            token = self._signer.sign(answer.participant_id, newcomer.group_id, newcomer.district, now)
        answered = BookingOut(
            registration_id=answer.registration_id,
            participant_id=answer.participant_id,
            session_id=answer.session_id,
            status=answer.verdict,
            position=answer.position,
            ticket_code=outcome.ticket_code,
            code=answer.code,
            reason=answer.reason,
            token=token,
        )
        return answered.model_dump_json().encode()


def _key(header: bytes) -> str:
    if not header:
        raise invalid([{"type": "missing", "loc": ()}], "header", "Idempotency-Key")
    key = header.decode("latin-1")
    if not _KEY.match(key):
        wrong = {"type": "string_pattern_mismatch", "loc": (), "ctx": {"pattern": KEY_PATTERN}}
        raise invalid([wrong], "header", "Idempotency-Key")
    return key
