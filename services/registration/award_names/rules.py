"""What is chosen about a name, and who may choose for whom. All functions are pure."""

import msgspec

from services.registration.participants.rules import NameChoice, Participant, ToName
from shared.contracts.events import NameShown, ParticipantKind
from shared.contracts.sealing import Contact, decrypt_contact, decrypt_words
from shared.runtime.errors import Conflict, Rejected
from shared.runtime.keyed_hash import KeyedHash

RECIPIENT_CHARS_MAX = 100
ADDRESS_PHONE_CHARS_MAX = 40
REGION_CHARS_MAX = 100
POSTAL_CODE_CHARS_MAX = 20

AT_FIRST: dict[ParticipantKind, NameShown] = {"person": "masked", "group": "full"}
"""How a name is shown of which nobody has chosen anything."""


class Address(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where a prize is sent. It is stored and sent only encrypted."""

    recipient: str
    phone: str
    region: str
    street: str
    postal_code: str | None = None

    def __repr__(self) -> str:
        return "Address(sealed)"


class Chosen(msgspec.Struct, frozen=True):
    """
    A choice as it can be read.

    Attributes:
        version: that of the stored choice.
    """

    shown: NameShown
    spelling: str | None = None
    address: Address | None = None
    version: str = ""

    def __repr__(self) -> str:
        return "Chosen(sealed)"


class Named(msgspec.Struct, frozen=True):
    """What awards hears of a participant, still in clear."""

    kind: ParticipantKind
    group_id: str | None
    district: str | None
    shown: NameShown
    name: str | None
    address: str | None

    def __repr__(self) -> str:
        return "Named(sealed)"

    def fingerprint(self, keyed_hash: KeyedHash, public_key: str) -> str:
        """The same for the same content and the same reader. Nobody else can compute it."""
        return keyed_hash.of(msgspec.json.encode([public_key, self]))


def chosen_of(choice: NameChoice, kind: ParticipantKind, key: bytes | None) -> Chosen:
    """The choice, opened with the participant's own key."""
    address = _opened(choice.address_locked, key)
    return Chosen(
        choice.shown or AT_FIRST[kind],
        _opened(choice.spelling_locked, key),
        msgspec.json.decode(address, type=Address) if address else None,
        choice.version,
    )


def named_of(one: ToName, choice: NameChoice | None, key: bytes | None, group_name: str | None) -> Named:
    """
    What awards hears of a participant.

    The name is the chosen spelling, else a group's name, else that of the contact. It is None if another
    system has sealed the contact: then registration cannot open it.
    """
    choice = choice or NameChoice(one.participant_id)
    contact = _contact_of(one, key)
    return Named(
        one.kind,
        one.group_id,
        one.district,
        choice.shown or AT_FIRST[one.kind],
        _opened(choice.spelling_locked, key) or group_name or (contact.name if contact else None),
        _opened(choice.address_locked, key),
    )


def check_shown(kind: ParticipantKind, shown: NameShown | None) -> None:
    """
    Check that a name of this kind may be shown so.

    Raises:
        Rejected: the name of a group is shown in full or not at all.
    """
    if kind == "group" and shown == "masked":
        raise Rejected("the name of a group is shown in full or not at all", code="group_not_masked")


def check_no_own_sign_in(participant: Participant, *, proved: bool) -> None:
    """
    Check that an organiser may choose for this participant.

    Organisers may choose for a group, and for a person for whom somebody has vouched and who has never had
    a token.

    Args:
        proved: whether the participant has used a code of the contact.

    Raises:
        Conflict: the person can choose alone.
    """
    if participant.is_group:
        return
    if not participant.is_verified or proved or participant.tokens_from is not None:
        raise own_choice()


def own_choice() -> Conflict:
    """The refusal of a choice for somebody who can sign in."""
    return Conflict("this person signs in, and chooses alone (PUT /me/award-name)", code="award_name_own")


def _opened(locked: str | None, key: bytes | None) -> str | None:
    """The words; None without them, and if another key has encrypted them: a database was restored."""
    if locked is None or key is None:
        return None
    try:
        return decrypt_words(locked, key)
    except Rejected:
        return None


def _contact_of(one: ToName, key: bytes | None) -> Contact | None:
    if one.contact_locked is None or key is None:
        return None
    try:
        return decrypt_contact(one.contact_locked, key, private_key="")
    except Rejected:
        return None
