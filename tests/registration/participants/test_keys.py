"""Participants' keys."""

from shared.contracts.sealing import unseal_key
from tests.registration.builders import SEALER
from tests.support.service import CONTACT_PRIVATE_KEY


def test_a_key_is_sealed_for_notifications() -> None:
    key = SEALER.new_key()
    assert unseal_key(key.sealed, CONTACT_PRIVATE_KEY) == key.key
