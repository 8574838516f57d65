"""Putting a template: the use case of `PUT /templates/{template_id}`."""

from datetime import UTC, datetime

from services.awards.documents.faces import Face
from services.awards.documents.png import checked_png
from services.awards.documents.rules import Template
from services.awards.documents.store import TemplateStore
from services.awards.documents.typeset import Press
from services.awards.issued.rules import Award
from services.awards.names.rules import ShownName
from shared.contracts.events import Language
from shared.runtime.versions import Matching, Version

LANGUAGES: tuple[Language, ...] = ("zh-CN", "en")
SAMPLE_AT = datetime(2023, 5, 25, 1, tzinfo=UTC)
# So long is a name that may have to fit.
_NAME = ShownName(
    "阿卜杜热合曼·买买提吐尔逊·艾合买提江", "person", "濮阳市华龙区科学技术协会科技志愿服务总队"
)


async def put_template(
    template: Template,
    templates: TemplateStore,
    press: Press,
    matches: Matching,
) -> tuple[Template, Version]:
    """
    Store a template, new or changed, if a page can be made with it. Returns it as stored, and its version.

    Raises:
        Rejected: a picture is not allowed, or no font has a character of a text.
        Conflict, Outdated: see `TemplateStore.put`.
    """
    pictures = tuple(one.model_copy(update={"png": checked_png(one.png)}) for one in template.pictures)
    template = template.model_copy(update={"pictures": pictures})
    for language in LANGUAGES:
        page = sample(template, language, press)
        await press.typesetter.document(template, [page], language, SAMPLE_AT)
    return template, await templates.put(template, matches)


def sample(template: Template, language: Language, press: Press) -> Face:
    """The page of an award that nobody has."""
    award = Award(
        award_id="sample",
        award_code="KW-00000-00000",
        scheme_id="sample",
        scheme_title="科技创新和科学技术普及知识竞赛",
        kind="prize",
        tier="一等奖",
        recipient_id="sample",
        cause="sample",
        issued_at=SAMPLE_AT,
        relayed=True,
    )
    return press.face(award, _NAME, template, language)
