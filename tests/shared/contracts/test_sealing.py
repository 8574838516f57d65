"""What is sealed and locked: who can open it, what it tells, and that a key which is gone opens nothing."""

from base64 import b64decode

import pytest
from pydantic import ValidationError

from shared.contracts import sealing
from shared.contracts.events import ParticipantJoined, ParticipantKeyed
from shared.contracts.sealing import Contact
from shared.runtime.errors import Rejected

PRIVATE, PUBLIC = sealing.new_key_pair()
KEY = sealing.new_key()
CONTACT = Contact(name="王芳", email="wang.fang@example.org")


def test_a_key_reaches_notifications_and_opens_what_is_locked() -> None:
    box = sealing.KeyBox(PUBLIC)
    for sealed in (sealing.seal_key(KEY, PUBLIC), box.seal(sealing.new_key()), box.seal(KEY)):
        key = sealing.unseal_key(sealed, PRIVATE)
    assert sealing.decrypt_contact(sealing.encrypt_contact(CONTACT, KEY), key, PRIVATE) == CONTACT
    assert sealing.decrypt_words(sealing.encrypt_words("7K3QX-M0R9T", KEY), key) == "7K3QX-M0R9T"


def test_a_session_seals_many_keys_and_then_ends() -> None:
    lasting, short = sealing.KeyBox(PUBLIC), sealing.KeyBox(PUBLIC, hourly_key_seconds=0.0)
    for box, sessions in ((lasting, 1), (short, 3)):
        keys = [sealing.new_key() for _ in range(3)]
        sealed = [box.seal(key) for key in keys]
        assert [sealing.unseal_key(one, PRIVATE) for one in sealed] == keys
        assert len({b64decode(one)[: sealing.SEALED_KEY_BYTES] for one in sealed}) == sessions


def test_a_contact_that_another_system_sealed_is_locked_as_it_is() -> None:
    locked = sealing.lock_sealed(sealing.seal(CONTACT, PUBLIC), KEY)
    assert sealing.decrypt_contact(locked, KEY, PRIVATE) == CONTACT


def test_without_the_participants_own_key_nothing_opens() -> None:
    for locked in (
        sealing.encrypt_contact(CONTACT, KEY),
        sealing.lock_sealed(sealing.seal(CONTACT, PUBLIC), KEY),
    ):
        with pytest.raises(Rejected) as refused:
            sealing.decrypt_contact(locked, sealing.new_key(), PRIVATE)
        assert refused.value.code == "contact_unreadable"
    with pytest.raises(Rejected):
        sealing.decrypt_words(sealing.encrypt_words("7K3QX-M0R9T", KEY), sealing.new_key())


def test_what_is_locked_tells_nothing_and_never_looks_the_same() -> None:
    locked = sealing.encrypt_contact(CONTACT, KEY)
    assert "wang" not in locked
    assert locked != sealing.encrypt_contact(CONTACT, KEY)


def test_words_are_no_contact_and_a_contact_is_no_words() -> None:
    with pytest.raises(Rejected):
        sealing.decrypt_contact(sealing.encrypt_words("7K3QX-M0R9T", KEY), KEY, PRIVATE)
    with pytest.raises(Rejected):
        sealing.decrypt_words(sealing.encrypt_contact(CONTACT, KEY), KEY)


def test_the_longest_contact_fits_the_contract() -> None:
    domain = ".".join(["b" * 61] * 3) + ".org"
    contact = Contact(name="王" * 100, email=f"{'a' * 64}@{domain[-189:]}")
    for locked in (sealing.encrypt_contact(contact, KEY), sealing.lock_sealed("A" * 4_096, KEY)):
        ParticipantJoined(
            participant_id="wang",
            version=1,
            kind="person",
            group_id=None,
            district=None,
            audience="youth",
            language="zh-CN",
            contact_sealed=locked,
        )
    ParticipantKeyed(participant_id="wang", version=1, key_sealed=sealing.seal_key(KEY, PUBLIC))


@pytest.mark.parametrize(
    "sealed",
    [
        "",
        "not base64!",
        "AAAA",
        sealing.seal_key(KEY, sealing.new_key_pair()[1]),
        sealing.KeyBox(sealing.new_key_pair()[1]).seal(KEY),
        sealing.KeyBox(PUBLIC).seal(KEY)[:-4] + "AAA=",
        sealing.seal_key(KEY, PUBLIC)[:-1] + "AAAA",
    ],
)
def test_a_key_that_was_not_sealed_for_us_is_refused(sealed: str) -> None:
    with pytest.raises(Rejected) as refused:
        sealing.unseal_key(sealed, PRIVATE)
    assert refused.value.code == "key_unreadable"


def test_a_sealed_contact_is_no_key() -> None:
    with pytest.raises(Rejected):
        sealing.unseal_key(sealing.seal(CONTACT, PUBLIC), PRIVATE)


def test_a_name_that_was_taken_under_an_older_rule_can_be_read_and_no_other_system_may_seal_one() -> None:
    older = Contact.model_construct(name="St.John", email="john@example.org", phone=None)
    assert sealing.decrypt_contact(sealing.encrypt_contact(older, KEY), KEY, PRIVATE) == older
    with pytest.raises(Rejected):
        sealing.decrypt_contact(sealing.lock_sealed(sealing.seal(older, PUBLIC), KEY), KEY, PRIVATE)


def test_sealed_nonsense_is_refused_without_telling_what_it_was() -> None:
    nonsense = Contact.model_construct(name="王芳", email="wang@fang@example.org")
    with pytest.raises(Rejected) as refused:
        sealing.decrypt_contact(sealing.lock_sealed(sealing.seal(nonsense, PUBLIC), KEY), KEY, PRIVATE)
    assert "example" not in str(refused.value)
    assert refused.value.__suppress_context__


def test_keys_that_are_no_pair_are_noticed_at_the_start() -> None:
    sealing.check_pair(PUBLIC, PRIVATE)
    with pytest.raises(ValueError, match="not a pair"):
        sealing.check_pair(sealing.new_key_pair()[1], PRIVATE)


@pytest.mark.parametrize("name", ["", "a" * 101, "王芳\r\nBcc: c@d", "王芳\u2028领奖", "http://evil.cn"])
def test_a_name_that_could_carry_more_than_a_name_is_refused(name: str) -> None:
    with pytest.raises(ValidationError):
        Contact(name=name)


def test_a_contact_does_not_show_itself() -> None:
    assert "王芳" not in f"{CONTACT} {CONTACT!r} {[CONTACT]}"
