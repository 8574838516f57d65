"""Giving the credential of an award: it is signed each time that somebody asks for it."""

import json
from collections.abc import Callable
from typing import TypeVar

from services.awards.credentials.badge import Drawing
from services.awards.credentials.keys import IssuerKeys
from services.awards.credentials.rules import check_held, check_holder, credential_of, salt_of
from services.awards.credentials.store import PlaceStore
from services.awards.issued.codes import read_code
from services.awards.issued.rules import Award
from services.awards.issued.store import AwardStore
from services.awards.known.store import KnownStore
from services.awards.schemes.store import SchemeStore
from shared.credentials.canonical import Json
from shared.credentials.vc_jwt import to_jwt
from shared.runtime import clock
from shared.runtime.errors import Conflict, NotFound
from shared.web.paced import Paced

T = TypeVar("T")


class Credentials:
    """
    Gives credentials.

    Signing takes some 5 ms of the event loop: the library that makes the canonical form may not be used by
    two threads at once. Anybody with a code may ask, so it is done in turns, one of each network, with rests.
    """

    def __init__(
        self,
        places: PlaceStore,
        awards: AwardStore,
        known: KnownStore,
        schemes: SchemeStore,
        keys: IssuerKeys | None,
        *,
        salt_key: bytes,
    ) -> None:
        self._places = places
        self._awards = awards
        self._known = known
        self._schemes = schemes
        self._keys = keys
        self._salt_key = salt_key
        self._paced = Paced()
        self._drawing = Drawing()

    @property
    def keys(self) -> IssuerKeys:
        """
        The issuer's keys.

        Raises:
            NotFound: this deployment has none.
        """
        if self._keys is None:
            raise NotFound(
                "this deployment signs no credentials: its operator has to set KEPU_CREDENTIAL_KEY",
                code="credentials_off",
            )
        return self._keys

    async def signed(
        self, typed_code: str, holder: str | None = None, participant_id: str = "", *, network: str = ""
    ) -> tuple[Award, str]:
        """
        The award of a code, and its credential with a proof.

        Args:
            holder: the did:key that the credential should name. Then `participant_id` has to be the
                recipient.
            network: who asks. Those of one network take turns together, and the recipient alone.

        Raises:
            Rejected, NotFound, Conflict, Forbidden: there is none, or not for this holder.
            Overloaded: too many requests of this network are under way.
        """
        async with self._paced.turn(await self._asker(typed_code, participant_id, network)):
            return await self._signed(typed_code, holder, participant_id)

    async def token(
        self, typed_code: str, holder: str | None = None, participant_id: str = "", *, network: str = ""
    ) -> str:
        """The same credential as a token. It raises what `signed` raises."""
        async with self._paced.turn(await self._asker(typed_code, participant_id, network)):
            _, credential = await self._unsigned(typed_code, holder, participant_id)
            return to_jwt(credential, self.keys.signer, self.keys.method)

    async def badge(
        self,
        typed_code: str,
        draw: Callable[[Award, str, str], T],
        participant_id: str = "",
        *,
        network: str = "",
    ) -> T:
        """The picture of the award, with the same credential in it. It raises what `signed` raises."""
        async with self._paced.turn(await self._asker(typed_code, participant_id, network)):
            award, text = await self._signed(typed_code, None, "")
            return await self._drawing.draw(
                draw, award, f"{self.keys.issuer.url}/awards/{award.award_code}", text
            )

    async def _asker(self, typed_code: str, participant_id: str, network: str) -> str:
        """Who takes turns: the recipient alone, since winners of one school ask at the same moment."""
        if not participant_id:
            return network
        award = await self._awards.by_code(read_code(typed_code))
        return participant_id if award and award.recipient_id == participant_id else network

    async def _signed(self, typed_code: str, holder: str | None, participant_id: str) -> tuple[Award, str]:
        award, credential = await self._unsigned(typed_code, holder, participant_id)
        signed = self.keys.signer.with_proof(credential, self.keys.method, clock.now())
        return award, json.dumps(signed, ensure_ascii=False, separators=(",", ":"))

    async def _unsigned(self, typed_code: str, holder: str | None, participant_id: str) -> tuple[Award, Json]:
        keys, code = self.keys, read_code(typed_code)
        award = await self._awards.by_code(code)
        if award is None:
            raise NotFound(f"there is no award with the code {code}", code="award_unknown")
        check_held(award, erased=bool(await self._known.erased([award.recipient_id])))
        if holder is not None:
            check_holder(award, holder, participant_id)
        place = await self._places.place_of(award)
        if place is None:
            raise Conflict(f"award {code} has just changed; ask again", code="credential_changed")
        scheme = await self._schemes.get(award.scheme_id)
        salt = salt_of(award.award_id, self._salt_key)
        return award, credential_of(award, scheme, keys.issuer, place=place, salt=salt, holder=holder)
