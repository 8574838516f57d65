"""Sign-ins, newcomers and one's own data over HTTP."""

from typing import Annotated

from fastapi import Request, Response

from services.registration.booking.bodies import NewcomerIn
from services.registration.participants.codes import ContactCodes
from services.registration.participants.given_contacts import GivenContacts
from services.registration.participants.keys import KeySealer
from services.registration.participants.limit import SmsLimit
from services.registration.participants.rules import ParticipantId, Profile
from services.registration.rosters.store import RosterStore
from services.registration.sign_ins.ask import Asking
from services.registration.sign_ins.bodies import (
    CodeIn,
    ContactsOut,
    MeChangedOut,
    MeIn,
    MeOut,
    SignInIn,
    SignInOut,
    TokenOut,
)
from services.registration.sign_ins.change import Changes, OwnData
from services.registration.sign_ins.give import give_token
from services.registration.sign_ins.join import Joining
from services.registration.sign_ins.limit import Limit
from services.registration.sign_ins.rules import TRIES_MAX
from services.registration.sign_ins.verify import ContactVerification
from shared.contracts.origin import Origin
from shared.contracts.sealing import encrypt_contact
from shared.runtime import clock
from shared.runtime.ids import ordered_id
from shared.web.forms import IdInPath
from shared.web.identity import AsParticipant
from shared.web.provided import provided
from shared.web.routes import Routes
from shared.web.senders import address_of
from shared.web.tokens import TokenSigner
from shared.web.versions import CHANGED, TAGGED, IfMatch, etag, matching

Askings = Annotated[Asking, provided(Asking)]
Codes = Annotated[ContactCodes, provided(ContactCodes)]
Given = Annotated[GivenContacts, provided(GivenContacts)]
Verifications = Annotated[ContactVerification, provided(ContactVerification)]
Joinings = Annotated[Joining, provided(Joining)]
Limits = Annotated[Limit, provided(Limit)]
Sms = Annotated[SmsLimit, provided(SmsLimit)]
Own = Annotated[OwnData, provided(OwnData)]
Sealer = Annotated[KeySealer, provided(KeySealer)]
Members = Annotated[RosterStore, provided(RosterStore)]
Signer = Annotated[TokenSigner, provided(TokenSigner)]

routes = Routes(tags=["sign-in"])


@routes.get("/contacts", summary="Which contacts can be given here")
async def contacts(given: Given) -> ContactsOut:
    """E-mail addresses always, and mobile phone numbers of some regions, if organisers have chosen any."""
    return ContactsOut(phone_regions=list(given.phone_regions))


@routes.post("/participants", status_code=201, summary="Join without a session")
async def join(
    form: NewcomerIn, request: Request, joining: Joinings, limit: Limits, sms: Sms, codes: Codes,
    given: Given, sealer: Sealer, signer: Signer,
) -> TokenOut:  # fmt: skip
    """
    The code for the contact is sent; `participant_id` is the id of the sign-in that verifies it
    (`POST /sign-ins/{sign_in_id}/confirmations`). If nobody verifies it, everything is deleted again.

    409 `contact_known`: sign in (`POST /sign-ins`). 422 `group_unknown`, `contact_missing`,
    `contact_ambiguous`, `phone_invalid`, `phone_region`, `phone_unsupported`. 429 `sign_ins_too_many`,
    `sms_too_many` (give an e-mail address).
    """
    contact = given.contact(form.name, form.email, form.phone)
    key, now = sealer.new_key(), clock.now()
    id_ = ParticipantId(ordered_id(now))
    await limit.check(codes.hash_of(contact.address or ""), address_of(request.scope))
    profile = Profile(
        kind="person",
        group_id=form.group_id,
        district=form.district,
        audience=form.audience,
        language=form.language,
        contact_locked=encrypt_contact(contact, key.key),
        by_phone=contact.phone is not None,
    )
    async with sms.one(address_of(request.scope), by_phone=profile.by_phone):
        participant = await joining.join(id_, profile, contact, key, Origin.of_request())
    return TokenOut.of(participant, give_token(signer, participant))


@routes.post("/sign-ins", status_code=202, summary="Sign in with an e-mail address or phone number")
async def ask(
    form: SignInIn, request: Request, asking: Askings, limit: Limits, sms: Sms, codes: Codes, given: Given
) -> SignInOut:
    """
    If somebody has registered with this contact, a code is sent there, and the answer does not say so.

    An address or number that has got a code within the hour, or three within a day, gets no other one: the
    last code is still good. 422 `contact_missing`, `contact_ambiguous`, `phone_invalid`, `phone_region`,
    `phone_unsupported`; 429 `sign_ins_too_many`, `sms_too_many` (of a phone number, known or not).
    """
    address = given.address(form.email, form.phone)
    await limit.check(codes.hash_of(address), address_of(request.scope))
    # Also of a number that nobody has registered: else the answer would tell.
    async with sms.one(address_of(request.scope), by_phone=form.phone is not None):
        sign_in = await asking.ask(address, Origin.of_request())
    return SignInOut(sign_in_id=sign_in.sign_in_id, expires_at=sign_in.expires_at, tries=TRIES_MAX)


@routes.post("/sign-ins/{sign_in_id}/confirmations", summary="Verify a contact by its code")
async def confirm(
    sign_in_id: IdInPath, form: CodeIn, verification: Verifications, members: Members, signer: Signer
) -> TokenOut:
    """
    The contact is verified, held places too, and here is the participant's token. A code is good once.

    Tokens that were given before the contact was verified end.
    403 `code_wrong`, `code_tries_exhausted`; 404 `sign_in_unknown`; 409 `contact_known` (a new contact, with
    which somebody else has registered meanwhile).
    """
    participant = await verification.verify(sign_in_id, form.code, Origin.of_request())
    on_roster = await members.is_member(participant.participant_id)
    return TokenOut.of(participant, give_token(signer, participant, on_roster=on_roster))


@routes.get("/me", responses=TAGGED, summary="Your own data")
async def read_me(who: AsParticipant, own: Own, response: Response) -> MeOut:
    """401 `participant_unknown`, `participant_erased`."""
    found = await own.read(who.participant_id)
    response.headers["etag"] = etag(found.participant.version)
    return MeOut.of(found)


@routes.patch("/me", responses=TAGGED | CHANGED, summary="Correct your own data")
async def change_me(
    form: MeIn, request: Request, who: AsParticipant, own: Own, limit: Limits, sms: Sms, codes: Codes,
    given: Given, members: Members, signer: Signer, response: Response, if_match: IfMatch = None,
) -> MeChangedOut:  # fmt: skip
    """
    What is left out stays. Use the new token: it says the new group and district.

    A new contact takes effect when it is verified by the code that is sent there, by the sign-in
    `sign_in_id`. 409 `contact_known`, `not_a_person`; 412 `version_differs`; 422 `group_unknown`,
    `name_missing`, `contact_missing` (what is registered cannot be read here: give both),
    `contact_ambiguous`, `phone_invalid`, `phone_region`, `phone_unsupported`; 429 `sign_ins_too_many`,
    `changes_too_many`, `sms_too_many` (give an e-mail address).
    """
    await limit.check_changes(who.participant_id)
    fields = form.model_dump(exclude_unset=True)
    if form.email is not None or form.phone is not None:
        address = given.address(form.email, form.phone)
        if form.phone is not None:
            fields["phone"] = address
        await limit.check(codes.hash_of(address), address_of(request.scope))
    changes = Changes(frozenset(fields), **fields)
    async with sms.one(address_of(request.scope), by_phone=form.phone is not None) as counted:
        changed = await own.change(
            who.participant_id,
            changes,
            Origin.of_request(),
            issued_at=who.issued_at,
            matches=matching(if_match),
        )
        if counted and changed.sign_in is None:
            await sms.give_back(counted)
    on_roster = await members.is_member(who.participant_id)
    response.headers["etag"] = etag(changed.participant.version)
    return MeChangedOut.after(changed, give_token(signer, changed.participant, on_roster=on_roster))


@routes.delete("/me/tokens", status_code=204, summary="End all your tokens")
async def end_tokens(who: AsParticipant, own: Own, limit: Limits) -> None:
    """
    Also the one of this request; at all services within two seconds. Sign in to get a new one.

    401 `participant_unknown`, `participant_erased`. 429 `changes_too_many`.
    """
    await limit.check_changes(who.participant_id)
    await own.end_tokens(who.participant_id, Origin.of_request(), issued_at=who.issued_at)
