"""Opens data that are sealed for this service: participants' keys, and contacts with those keys."""

from shared.contracts import sealing
from shared.contracts.sealing import Contact
from shared.runtime.errors import Rejected


class Decryptor:
    """
    Opens with the service's private key, in base64. A process of role api may have none and open nothing.
    """

    def __init__(self, private_key: str | None) -> None:
        self._private_key = private_key
        if private_key is not None:
            # A wrong key shows at the start, not at the first mail.
            sealing.check_pair(sealing.public_key_of(private_key), private_key)

    @property
    def has_private_key(self) -> bool:
        """True if this process can open anything."""
        return self._private_key is not None

    def key(self, key_sealed: str) -> bytes:
        """
        A participant's own key.

        Raises:
            Rejected: the key was sealed for another private key.
        """
        if self._private_key is None:
            raise Rejected(
                "there is no private key to open the participant's key with", code="key_unreadable"
            )
        return sealing.unseal_key(key_sealed, self._private_key)

    def contact(self, contact_sealed: str, key: bytes) -> Contact:
        """
        The contact in a profile.

        Raises:
            Rejected: the key does not fit, or there is no contact inside.
        """
        return sealing.decrypt_contact(contact_sealed, key, self._private_key or "")
