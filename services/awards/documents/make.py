"""Making the document of one award: the use case of `GET /awards/{award_code}/document.pdf`."""

from typing import NamedTuple

from services.awards.documents.defaults import DEFAULTS
from services.awards.documents.rules import Template
from services.awards.documents.store import TemplateStore
from services.awards.documents.typeset import LAYOUT_VERSION, Press
from services.awards.issued.rules import Award
from services.awards.issued.store import AwardStore
from services.awards.known.store import KnownStore
from shared.contracts.events import AwardKind, Language
from shared.runtime.acting import current
from shared.runtime.errors import Conflict, NotFound
from shared.runtime.keyed_hash import KeyedHash
from shared.runtime.versions import version_of
from shared.web.paced import Paced


class Document(NamedTuple):
    """A document, and its tag. The content is None if the client has it already."""

    content: bytes | None
    tag: str


class Documents:
    """
    Makes documents of awards.

    Args:
        tags: makes tags of what is on a page. A name cannot be guessed from them.
    """

    def __init__(
        self,
        awards: AwardStore,
        known: KnownStore,
        templates: TemplateStore,
        press: Press,
        tags: KeyedHash,
    ) -> None:
        self._awards = awards
        self._known = known
        self._templates = templates
        self._press = press
        self._tags = tags
        self._paced = Paced()

    async def of_award(
        self,
        code: str,
        language: Language,
        *,
        seen: str = "",
        participant_id: str | None = None,
        in_full: bool = False,
        network: str = "",
    ) -> Document:
        """
        The document of the award with this code.

        The holder gets it with the full name, everyone else with the name that the holder shows.

        Args:
            participant_id: whose token the request carries.
            in_full: an organiser opens the full name. Whoever asks for this keeps an act first.
            seen: the tags that the client has.
            network: who asks. Those of one network take turns together, and the holder alone.

        Raises:
            NotFound: there is no such award, or its recipient was erased.
            Conflict: it was revoked.
            Rejected: no font has a character of the name.
            Overloaded: too many requests of this network are under way, or too many documents wait.
        """
        award, is_erased = await self._found(code)
        if is_erased:
            raise NotFound("the recipient of this award was erased", code="document_of_erased")
        if not award.is_valid:
            raise Conflict("this award was revoked: it has no document any more", code="document_of_revoked")
        named = self._press.names
        in_full = in_full or participant_id == award.recipient_id
        names = await (named.full if in_full else named.shown)([award.recipient_id])
        template = await self.template_of(award.scheme_id, award.kind)
        page = self._press.face(award, names.get(award.recipient_id), template, language)
        shown = version_of(LAYOUT_VERSION, template.model_dump(mode="json"), language, page, award.issued_at)
        tag = self._tags.of(shown.encode())[:24]
        if f'"{tag}"' in seen:
            return Document(None, tag)
        # Winners of one school ask at the same moment, and none of them waits for the others' network.
        who = award.recipient_id if participant_id == award.recipient_id else network
        async with self._paced.turn(who):
            made = await self._press.typesetter.document(template, [page], language, award.issued_at)
        return Document(made, tag)

    async def open(self, code: str, language: Language, who: str, reason: str) -> Document:
        """
        The document with the full name, for the organiser whose key has this name.

        Raises:
            NotFound, Conflict, Rejected, Overloaded: see `of_award`.
        """
        award, _ = await self._found(code)
        await current().note(people=1, award_id=award.award_id, reason=reason)
        return await self.of_award(code, language, in_full=True, network=who)

    async def look_up(self, code: str) -> tuple[Award, str | None, bool]:
        """
        The award with this code, the name that its holder shows, and whether the holder was erased.

        Raises:
            NotFound: there is no such award.
        """
        award, is_erased = await self._found(code)
        if is_erased:
            return award, None, True
        names = await self._press.names.shown([award.recipient_id])
        name = names.get(award.recipient_id)
        return award, name.text if name else None, False

    async def code_after(self, award: Award) -> str | None:
        """The code of the award that takes the place of this one."""
        return await self._awards.code_after(award)

    async def _found(self, code: str) -> tuple[Award, bool]:
        award = await self._awards.by_code(code)
        if award is None:
            raise NotFound(f"there is no award with the code {code}", code="award_unknown")
        return award, bool(await self._known.erased([award.recipient_id]))

    async def template_of(self, scheme_id: str, kind: AwardKind) -> Template:
        """The template that names this scheme, or the default one of this kind."""
        return await self._templates.of_scheme(scheme_id) or DEFAULTS[kind]
