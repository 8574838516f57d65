"""The settings of contacts: the keys that open contacts."""

from typing import Self

from pydantic import Field, model_validator

from shared.contracts import sealing
from shared.runtime.settings import ContactPrivateKey, ContactPublicKey, Settings


class ContactSettings(Settings):
    """The keys that open contacts."""

    contact_private_key: ContactPrivateKey | None = Field(
        None, description="opens contacts and tickets, base64; role api shows no tickets without it"
    )
    contact_public_key: ContactPublicKey | None = Field(
        None, description="base64; if it is given, the service starts only if the two keys are a pair"
    )

    @model_validator(mode="after")
    def _contacts_can_be_opened(self) -> Self:
        if self.role != "api" and self.contact_private_key is None:
            raise ValueError("role worker needs KEPU_CONTACT_PRIVATE_KEY; `kepu keys` makes one")
        if self.contact_private_key is not None and self.contact_public_key:
            sealing.check_pair(self.contact_public_key, self.contact_private_key.get_secret_value())
        return self

    @property
    def private_key(self) -> str | None:
        """The private key in base64, if this process has one."""
        return self.contact_private_key.get_secret_value() if self.contact_private_key else None
