"""
Templates in MongoDB, until an organiser deletes them.

A scheme is named by one template at most.
"""

from services.awards.documents.rules import Template
from shared.runtime.errors import Conflict, NotFound, Unavailable
from shared.runtime.versions import Matching, Version, always, check_version, version_of
from shared.storage import mongo
from shared.storage.mongo import ASCENDING, Database, Document, DuplicateKeyError

TEMPLATES_MAX = 200
# Others write the same template at the same moment so often.
TEMPLATE_PUTS_MAX = 5
# The digest of a template: who has read this tag has read this content.
TAG = "tag"


class TemplateStore:
    """Templates by their ids."""

    def __init__(self, database: Database) -> None:
        self._templates = database["templates"]

    async def prepare(self) -> None:
        """Create the index that gives a scheme one template at most, and the collection with it."""
        with mongo.outages_named():
            await self._templates.create_index(
                [("schemes", ASCENDING)],
                unique=True,
                partialFilterExpression={"schemes": {"$type": "string"}},
            )

    async def put(self, template: Template, matches: Matching = always) -> Version:
        """
        Store a template, new or changed; returns its version. Putting the same again changes nothing.

        Raises:
            Conflict: another template names one of its schemes, or there are `TEMPLATES_MAX`.
            Outdated: its version does not match.
        """
        document = template.model_dump(mode="json", exclude={"template_id"})
        new: Document = document | {TAG: version_of(document)}
        which: Document = {"_id": template.template_id}
        for _ in range(TEMPLATE_PUTS_MAX):
            with mongo.outages_named():
                found = await self._templates.find_one(which, {TAG: 1})
            check_version(matches, found[TAG] if found else None, f"template {template.template_id}")
            try:
                if found is None:
                    await self._check_room()
                    with mongo.outages_named():
                        await self._templates.insert_one(which | new)
                    return str(new[TAG])
                with mongo.outages_named():
                    changed = await self._templates.update_one(which | {TAG: found[TAG]}, {"$set": new})
                if changed.matched_count:
                    return str(new[TAG])
            except DuplicateKeyError as error:
                if "schemes" in str(error):
                    raise Conflict(
                        "another template names one of these schemes", code="scheme_has_template"
                    ) from error
        raise Unavailable(f"template {template.template_id} is changed by others all the time; try again")

    async def _check_room(self) -> None:
        with mongo.outages_named():
            if await self._templates.estimated_document_count() >= TEMPLATES_MAX:
                raise Conflict(f"there are {TEMPLATES_MAX} templates already", code="too_many_templates")

    async def get(self, template_id: str) -> tuple[Template, Version]:
        """
        A template and its version.

        Raises:
            NotFound: there is none.
        """
        with mongo.outages_named():
            found = await self._templates.find_one({"_id": template_id})
        if found is None:
            raise NotFound(f"there is no template {template_id}", code="template_unknown")
        return _template(found), str(found[TAG])

    async def of_scheme(self, scheme_id: str) -> Template | None:
        """The template that names this scheme."""
        with mongo.outages_named():
            found = await self._templates.find_one({"schemes": scheme_id})
        return _template(found) if found else None

    async def page(self, after: str, limit: int) -> list[tuple[str, str, tuple[str, ...]]]:
        """Ids, titles and schemes of templates, by id."""
        shown = {"title": 1, "schemes": 1}
        with mongo.outages_named():
            found = self._templates.find({"_id": {"$gt": after}}, shown).sort("_id", ASCENDING)
            return [
                (one["_id"], one["title"], tuple(one["schemes"]))
                for one in await found.limit(limit).to_list(None)
            ]

    async def delete(self, template_id: str, matches: Matching = always) -> None:
        """
        Delete a template. Its schemes have the default template again.

        Raises:
            NotFound: there is none.
            Outdated: its version does not match.
        """
        _, version = await self.get(template_id)
        check_version(matches, version, f"template {template_id}")
        with mongo.outages_named():
            gone = await self._templates.delete_one({"_id": template_id, TAG: version})
        if not gone.deleted_count:
            raise Unavailable(f"template {template_id} is changed by others; try again")


def _template(document: Document) -> Template:
    fields = {name: value for name, value in document.items() if name not in ("_id", TAG)}
    return Template.model_validate(fields | {"template_id": document["_id"]})
