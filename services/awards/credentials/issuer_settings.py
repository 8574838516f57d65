"""What credentials and documents say of whoever gives the awards."""

from typing import Annotated

from pydantic import AfterValidator, Field

from services.awards.credentials.keys import check_key_names, check_public_url
from shared.runtime.settings import PrivatePem, Settings


class IssuerSettings(Settings):
    """Who gives the awards, and the keys of credentials."""

    credential_key: PrivatePem | None = Field(
        None, description="Ed25519 private key that signs credentials; without it there are none"
    )
    credential_old_keys: Annotated[str, AfterValidator(check_key_names)] = Field(
        "",
        max_length=1_000,
        description="older public keys whose signatures stay valid, as in did.json, with commas between",
    )
    public_url: Annotated[str, AfterValidator(check_public_url)] = Field(
        "",
        max_length=200,
        description="where awards is reached from outside; credentials name it for ever. "
        "Empty: `http://localhost` with the port",
    )
    issuer_name: str = Field(
        "科技活动周组委会",
        min_length=1,
        max_length=200,
        description="who gives the awards: on credentials, documents",
    )
