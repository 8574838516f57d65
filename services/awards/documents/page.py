"""The page behind the QR code of a document: whether the award is genuine and held."""

from pathlib import Path
from typing import get_args

from starlette.responses import Response

from services.awards.documents.bodies import VerifiedOut
from services.awards.documents.faces import ZONE
from services.awards.issued.bodies import public
from services.awards.issued.rules import Award
from shared.contracts.events import AwardKind, Language
from shared.web.pages.templates import Pages

PAGES = Pages(Path(__file__).parent / "templates")
KINDS: dict[AwardKind, dict[Language, str]] = {
    "certificate": {"zh-CN": "证书", "en": "Certificate"},
    "prize": {"zh-CN": "奖项", "en": "Prize"},
    "plaque": {"zh-CN": "奖牌", "en": "Plaque"},
    "flag": {"zh-CN": "旗帜", "en": "Flag"},
}
assert set(KINDS) == set(get_args(AwardKind))  # noqa: S101


_NOT_HELD = {"revoked": "revoked", "superseded": "replaced"}


def verified(
    award: Award, version: int | None, name: str | None, *, erased: bool, after: str | None = None
) -> VerifiedOut:
    """
    What is said of an award.

    Args:
        version: of the award when the document was made; None if the client does not say it.
        after: the code of the award that takes its place.
    """
    said = public(award)
    if erased:
        said = said.model_copy(update={"recipient_id": None, "reason": None})
    is_old = version is not None and version < award.version
    verdict = _NOT_HELD.get(award.status) or ("superseded" if is_old else "held")
    named = {"name": None if erased else name, "superseded_by_code": after}
    return VerifiedOut.model_validate({"award": said, "verdict": verdict} | named, from_attributes=True)


def verification_page(said: VerifiedOut, language: Language) -> Response:
    """The page of an award."""
    award = said.award
    return PAGES.page(
        "verify.html",
        language,
        said=said,
        kind=KINDS[award.kind][language],
        issued=f"{award.issued_at.astimezone(ZONE):%Y-%m-%d}",
        revoked=f"{award.revoked_at.astimezone(ZONE):%Y-%m-%d}" if award.revoked_at else "",
    )
