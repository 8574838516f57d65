"""An issuer with keys of its own, and what a verifier knows of it."""

import json
from typing import Any

import httpx
from nacl.signing import SigningKey

from services.awards.credentials.give import Credentials
from services.awards.credentials.keys import IssuerKeys
from services.awards.credentials.lists import StatusLists
from services.awards.credentials.rules import CredentialIssuer
from services.awards.credentials.store import PlaceStore
from services.awards.issued.rules import Award
from shared.credentials.canonical import Json
from shared.credentials.proofs import Signer
from shared.credentials.status_list import LENGTH, decoded, is_set
from shared.credentials.verify import REVOCATION, SUPERSEDED, Known, Verdict, verify
from shared.runtime import clock
from shared.web import tokens
from tests.awards.builders import AWARD_KEY
from tests.awards.parts import Parts
from tests.support.service import new_id

URL = "https://awards.example.org"
ISSUER = CredentialIssuer(URL, "科技活动周组委会")


def new_pem() -> str:
    """A private key as a setting has it."""
    return tokens.new_key_pair()[0]


def keys(signer: Signer | None = None, *old: Signer) -> IssuerKeys:
    return IssuerKeys(ISSUER, signer or Signer(bytes(SigningKey.generate())), tuple(one.name for one in old))


class Issuing:
    """Credentials and lists over the parts of awards."""

    def __init__(self, at: Parts, of: IssuerKeys | None = None) -> None:
        self.keys = of or keys()
        self.places = PlaceStore(at.database)
        self.credentials = Credentials(
            self.places, at.awards, at.known, at.schemes, self.keys, salt_key=AWARD_KEY.encode()
        )
        self.lists = StatusLists(self.places, fresh_seconds=0)

    async def give(self, award: Award) -> bytes:
        # Each asks from a network of its own.
        _, text = await self.credentials.signed(award.award_code, network=new_id())
        return text.encode()

    async def verdict(self, credential: bytes) -> Verdict:
        """What a verifier says who has fetched everything now."""
        [place] = places_in(credential)
        number = place // LENGTH
        url = ISSUER.status_list(number)
        lists = {
            url: json.loads(await self.lists.read(number, REVOCATION, self.keys)),
            f"{url}/{SUPERSEDED}": json.loads(await self.lists.read(number, SUPERSEDED, self.keys)),
        }
        known = Known({ISSUER.did: self.keys.did_document()}, lists=lists)
        return verify(credential, known, clock.now())


def places_in(*credentials: bytes) -> list[int]:
    """The places that credentials name, in all lists together."""
    entries = [json.loads(one)["credentialStatus"] for one in credentials]
    return [
        int(entry["statusListCredential"].rpartition("/")[2]) * LENGTH + int(entry["statusListIndex"])
        for entry in entries
    ]


def bits_set(status_list: Json) -> list[int]:
    bits = decoded(status_list["credentialSubject"]["encodedList"])
    return [place for place in range(LENGTH) if is_set(bits, place)]


async def fetched(client: httpx.AsyncClient, path: str) -> Any:
    answer = await client.get(path)
    assert answer.status_code == 200, answer.text
    return answer.json()
