"""The page of a draw: everything about it, and a button by which the browser computes it again."""

from datetime import datetime, timedelta, timezone
from pathlib import Path

from starlette.responses import Response

from services.awards.draws.bodies import DrawOut
from shared.web.pages.templates import HEADERS, Pages
from shared.web.wording import Language

TEMPLATES = Path(__file__).parent / "templates"
PAGES = Pages(TEMPLATES)
SCRIPT = (TEMPLATES / "verify.js").read_text(encoding="utf-8")
# The only script is our own file, and it reads only from where the page comes from.
POLICY = f"{HEADERS['content-security-policy']}; script-src 'self'; connect-src 'self'"
ZONE = timezone(timedelta(hours=8))
STEPS: dict[Language, tuple[tuple[str, str], ...]] = {
    "zh-CN": (
        ("list", "名单与公布的 SHA-256"),
        ("chances", "名单的顺序、人数和机会总数"),
        ("seed", "种子与公布的来源"),
        ("drawn", "抽中的顺序"),
        ("prizes", "各人的奖项"),
    ),
    "en": (
        ("list", "The list and its SHA-256"),
        ("chances", "The order of the list, its entrants and chances"),
        ("seed", "The seed and its sources"),
        ("drawn", "Who is drawn, in order"),
        ("prizes", "Who holds which prize"),
    ),
}


def script() -> str:
    """The script of the page."""
    return SCRIPT


def draw_page(draw: DrawOut, language: Language) -> Response:
    """The page of a draw."""
    page = PAGES.page("draw.html", language, draw=draw, steps=STEPS[language], moment=_moment)
    page.headers["content-security-policy"] = POLICY
    return page


def _moment(at: datetime) -> str:
    return f"{at.astimezone(ZONE):%Y-%m-%d %H:%M:%S} UTC+8"
