import pytest
from pydantic import ValidationError

from shared.contracts.events import ParticipantJoined
from shared.contracts.sealing import Contact, new_key_pair, seal, unseal
from shared.runtime.errors import Rejected

PRIVATE, PUBLIC = new_key_pair()
CONTACT = Contact(name="王芳", email="wang.fang@example.org")


def test_sealed_contact_opens_with_the_private_key() -> None:
    assert unseal(seal(CONTACT, PUBLIC), PRIVATE) == CONTACT


def test_sealed_contact_tells_nothing_and_never_looks_the_same() -> None:
    sealed = seal(CONTACT, PUBLIC)
    assert "wang" not in sealed
    assert sealed != seal(CONTACT, PUBLIC)


def test_longest_contact_fits_the_contract() -> None:
    contact = Contact(name="王" * 100, email=f"{'a' * 64}@{'b' * 189}")
    joined = ParticipantJoined(
        participant_id="wang",
        kind="person",
        group_id=None,
        district=None,
        audience="youth",
        language="zh-CN",
        contact_sealed=seal(contact, PUBLIC),
    )
    assert unseal(joined.contact_sealed or "", PRIVATE) == contact


@pytest.mark.parametrize("sealed", ["", "not base64!", "AAAA", seal(CONTACT, new_key_pair()[1])])
def test_what_was_not_sealed_for_this_key_is_refused(sealed: str) -> None:
    with pytest.raises(Rejected) as refused:
        unseal(sealed, PRIVATE)
    assert refused.value.code == "contact_unreadable"


def test_sealed_nonsense_is_refused_without_telling_what_it_was() -> None:
    nonsense = Contact.model_construct(name="王芳", email="wang@fang@example.org")
    with pytest.raises(Rejected) as refused:
        unseal(seal(nonsense, PUBLIC), PRIVATE)
    assert "example" not in str(refused.value)
    assert refused.value.__suppress_context__


@pytest.mark.parametrize(
    "email", ["x", "a@b@c", "a@b\nBcc: c@d", "<a@b>", "a b@c", "@c", "a@", "a@-", "a@.b", "a,b@c", "a@b\n"]
)
def test_address_that_could_carry_more_than_an_address_is_refused(email: str) -> None:
    with pytest.raises(ValidationError):
        Contact(name="王芳", email=email)


@pytest.mark.parametrize("name", ["", "a" * 101, "王芳\r\nBcc: c@d"])
def test_name_that_could_carry_more_than_a_name_is_refused(name: str) -> None:
    with pytest.raises(ValidationError):
        Contact(name=name)


def test_contact_does_not_show_itself() -> None:
    assert "王芳" not in f"{CONTACT} {CONTACT!r} {[CONTACT]}"
