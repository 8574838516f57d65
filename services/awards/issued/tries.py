"""
How many award codes that do not exist a network may ask for in an hour.

Beyond the bound they get another answer. Codes of awards are always answered: else one visitor could keep
everybody at the venue from checking certificates. A mistyped code costs nothing, since its check characters
differ.
"""

from collections.abc import AsyncIterator
from math import ceil
from typing import Annotated

from fastapi import Depends, Request

from shared.runtime.errors import NotFound
from shared.web.problems import TooOften
from shared.web.provided import provided
from shared.web.senders import address_of
from shared.web.wrong_tries import WrongTries

WRONG_CODES_MAX = 60
WRONG_CODES_SECONDS = 3600
AWARD_UNKNOWN = "award_unknown"


class CodeTries(WrongTries):
    """Counts the codes of no award, in this process."""

    def __init__(self) -> None:
        super().__init__(WRONG_CODES_MAX, WRONG_CODES_SECONDS)


async def _counted(request: Request, tries: Annotated[CodeTries, provided(CodeTries)]) -> AsyncIterator[None]:
    address = address_of(request.scope)
    try:
        yield
    except NotFound as unknown:
        if unknown.code != AWARD_UNKNOWN:
            raise
        if seconds_left := tries.seconds_left(address):
            raise _tried_too_often(ceil(seconds_left)) from None
        tries.count(address)
        raise


CountsWrongCodes = Depends(_counted)
"""Of a route: anybody may ask with the code of an award."""


def _tried_too_often(seconds: int) -> TooOften:
    return TooOften(
        seconds,
        "there is no award with this code, and your network has asked for too many that do not exist;"
        f" a right one is answered at any time (they are counted for {seconds} s more)",
        code="award_codes_tried",
    )
