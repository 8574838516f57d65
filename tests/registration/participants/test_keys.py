"""Participants' keys."""

from shared.contracts.sealing import unseal_key
from tests.registration.builders import CONTACT_PRIVATE_KEY, SEALER


def test_a_key_is_sealed_for_notifications() -> None:
    key = SEALER.new_key()
    assert unseal_key(key.sealed, CONTACT_PRIVATE_KEY) == key.key
