"""Who reads an answer: a program that wants JSON, or a person with a browser."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, TypeVar

from fastapi import Depends, Request
from pydantic import BaseModel
from starlette.responses import Response

from shared.web.wording import Language, language_of

ACCEPT_CHARS_MAX = 500
# Said of each answer of a route that shows pages.
VARY = (b"vary", b"Accept, Accept-Language")
_RANGE = re.compile(r"\s*([\w.+*-]+/[\w.+*-]+)\s*((?:;[^,]*)?)")
_WEIGHT = re.compile(r";\s*q\s*=\s*([01](?:\.[0-9]{0,3})?)\s*(?:;|$)", re.IGNORECASE)

Answered = TypeVar("Answered", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Reader:
    """
    Who reads the answer.

    Attributes:
        language: of the page, and of refusals.
        wants_page: the client prefers HTML to JSON.
    """

    language: Language
    wants_page: bool

    def answer(self, said: Answered, page: Callable[[], Response]) -> Answered | Response:
        """The answer for a program, or the page, which is made only if it is wanted."""
        return page() if self.wants_page else said


def wants_page(accept: bytes) -> bool:
    """
    Whether a client with this header Accept prefers HTML.

    A browser names text/html. A client that accepts everything is a program, and gets JSON.
    """
    return _wants_page(accept[:ACCEPT_CHARS_MAX]) if accept else False


@lru_cache(maxsize=256)
def _wants_page(accept: bytes) -> bool:
    weights: dict[str, float] = {}
    for part in accept.decode("latin-1").split(","):
        if found := _RANGE.fullmatch(part):
            weight = _WEIGHT.search(found[2])
            weights.setdefault(found[1].lower(), float(weight[1]) if weight else 1.0)
    html = max(weights.get("text/html", 0.0), weights.get("application/xhtml+xml", 0.0))
    return html > 0 and html >= weights.get("application/json", 0.0)


# A coroutine, although it waits for nothing: FastAPI would run a plain function in a thread.
async def reader_of(request: Request) -> Reader:
    """The reader of the answer to this request, by its headers."""
    headers = request.headers
    language = language_of(headers.get("accept-language", "").encode("latin-1"))
    return Reader(language, wants_page(headers.get("accept", "").encode("latin-1")))


AsReader = Annotated[Reader, Depends(reader_of)]
"""A route with this dependency shows pages."""
