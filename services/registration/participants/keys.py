"""
Each participant's own key, which encrypts the contact and the ticket codes.

The key is sent to notifications once, sealed, and is stored in the collection `contact_keys`. An erasure
deletes it: then nobody can open the data that it has encrypted (docs/decisions/0016-contact-keys.md).
"""

import msgspec

from shared.contracts import sealing


class ContactKey(msgspec.Struct, frozen=True):
    """A participant's own key, and the same sealed for notifications."""

    key: bytes
    sealed: str


class KeySealer:
    """
    Makes participants' keys, sealed for notifications.

    Args:
        contact_public_key: notifications' public key, base64.
    """

    def __init__(self, contact_public_key: str) -> None:
        self._box = sealing.KeyBox(contact_public_key)

    def new_key(self) -> ContactKey:
        """A new key."""
        return self.seal(sealing.new_key())

    def seal(self, key: bytes) -> ContactKey:
        """An existing key, sealed again."""
        return ContactKey(key, self._box.seal(key))
