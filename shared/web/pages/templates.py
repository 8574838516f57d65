"""
Templates become pages: everything in them is escaped, and they load nothing.

A page has no script, and no picture, font or style from elsewhere. Its one style is in `frame.html`, and the
Content-Security-Policy names it by its hash, so no other style works, even if somebody could inject one.
"""

import base64
import hashlib
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.responses import Response

from shared.runtime.errors import Invalid, KepuError
from shared.web import problems, wording
from shared.web.wording import Language

HTML = "text/html; charset=utf-8"
OURS = Path(__file__).parent / "templates"
STYLE = (OURS / "style.css").read_text(encoding="utf-8")
_STYLE_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()

HEADERS: dict[str, str] = {
    "content-security-policy": (
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; form-action 'self'; base-uri 'none';"
        " frame-ancestors 'none'"
    ),
    # The address of a page may be a secret, such as the link of a guardian.
    "referrer-policy": "no-referrer",
    "x-robots-tag": "noindex, nofollow",
    "cross-origin-opener-policy": "same-origin",
}
"""Of each page, beside those that the edge gives all answers (no-store, nosniff)."""

# In a route's `responses`: it answers with a page too.
SHOWS_PAGE: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/html": {"schema": {"type": "string"}}}}
}


class Pages:
    """
    The templates of a room.

    Args:
        folder: the room's templates. `frame.html`, which they extend, is ours.
    """

    def __init__(self, folder: Path = OURS) -> None:
        self._environment = Environment(
            loader=FileSystemLoader([folder, OURS]),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        # It is our own file, with its hash in the policy.
        self._environment.globals["style"] = Markup(STYLE)  # noqa: S704

    def page(
        self,
        template: str,
        language: Language,
        *,
        status: int = 200,
        headers: Iterable[tuple[str, str]] = (),
        **shown: object,
    ) -> Response:
        """A page in this language; `shown` is what the template names, all of it escaped."""
        text = self._environment.get_template(template).render(language=language, **shown)
        given = {**dict(headers), "content-language": language, **HEADERS}
        return Response(text, status, headers=given, media_type=HTML)


@lru_cache(maxsize=1)
def _ours() -> Pages:
    return Pages()


def refusal(error: KepuError, language: Language) -> Response:
    """The page of a refusal: what happened, and with which code somebody may ask about it."""
    status, headers, _ = problems.encoded(error, language)
    if isinstance(error, Invalid):
        details = [problems.worded(fault, language)["detail"] for fault in error.faults]
    else:
        details = [wording.words(error.code, error.message, error.values, language)]
    return _ours().page(
        "refusal.html",
        language,
        status=status,
        headers=headers,
        details=details,
        code=error.code,
    )
