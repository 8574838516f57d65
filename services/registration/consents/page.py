"""The page of a guardian's link: who asks, for whom and for what, what was signed, how to take it back."""

from datetime import datetime
from pathlib import Path

from starlette.responses import RedirectResponse, Response

from services.registration.consents.rules import TEXT_VERSION, TEXTS
from services.registration.consents.sign import Asked
from services.registration.sessions.rules import ZONE
from shared.contracts.checked import NAME_CHARS_MAX
from shared.contracts.events import Language
from shared.web.pages.templates import HEADERS, Pages

PAGES = Pages(Path(__file__).parent / "templates")


def consent_page(asked: Asked, group_name: str, code: str, language: Language) -> Response:
    """
    The page of a link.

    Args:
        code: of the link; the page's forms send it back.
    """
    consent = asked.consent
    return PAGES.page(
        "consent.html",
        language,
        consent=consent,
        consent_code=code,
        group_name=group_name,
        minor=asked.minor,
        text=TEXTS[language],
        # What was signed is shown again only if it is the same text.
        text_is_signed=consent.text_version == TEXT_VERSION,
        text_version=TEXT_VERSION,
        name_chars_max=NAME_CHARS_MAX,
        moment=_moment,
    )


def back_to_link(code: str) -> Response:
    """
    After a form was sent: the browser reads the page of the link anew, and a reload sends nothing again.

    The address is relative, since a proxy may serve this under any path.
    """
    return RedirectResponse(code, status_code=303, headers=HEADERS)


def _moment(at: datetime) -> str:
    return f"{at.astimezone(ZONE):%Y-%m-%d %H:%M}"
