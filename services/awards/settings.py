"""The settings of awards."""

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr

from services.awards.credentials.keys import check_key_names, check_public_url
from shared.runtime.settings import NamePrivateKey, PrivatePem, Settings


class AwardsSettings(Settings):
    """The settings of awards."""

    database: str = Field("kepu_awards", description="name of awards' own database")
    award_key: SecretStr = Field(min_length=32, description="secret that makes award codes")
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
    fonts_folder: Path | None = Field(None, description="more fonts for documents, for rare characters")
    name_private_key: NamePrivateKey | None = Field(
        None, description="opens names and addresses, base64; without it no names are shown"
    )
