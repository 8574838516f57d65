"""
Heavy work on the bank takes turns: files are read, imported and written, and questions are taken for a quiz.

One at a time in a process, with a rest after it, and one of each organiser's key in turn. Searches, which
may read the whole bank, have a line of their own: they are short, and wait for no file
(docs/decisions/0057-turns-of-question-files.md).
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from shared.runtime.errors import Overloaded
from shared.web.paced import Paced

# Uploaded files of one key that wait for their turn, and those of all keys. Each is in memory meanwhile.
BANK_FILES_OF_A_KEY_MAX = 4
BANK_FILES_WAITING_MAX = 32


class BankTurns:
    """The turns of the bank in a process."""

    def __init__(self) -> None:
        self._paced = Paced()
        self._searching = Paced()
        # Whose file waits; the oldest first. The timeout ends the waiting of one that gives way.
        self._waiting: dict[asyncio.Timeout, str] = {}

    @asynccontextmanager
    async def turn(self, who: str) -> AsyncIterator[None]:
        """
        Wait until it is the turn of this key.

        Raises:
            Overloaded: too much of theirs is under way already.
        """
        async with self._paced.turn(who):
            yield

    @asynccontextmanager
    async def search(self, who: str) -> AsyncIterator[None]:
        """
        Wait until this key may search the bank.

        Raises:
            Overloaded: too many searches of theirs are under way already.
        """
        async with self._searching.turn(who):
            yield

    @asynccontextmanager
    async def turn_with_file(self, who: str) -> AsyncIterator[None]:
        """
        The same with an uploaded file, of which few can wait.

        If too many wait, the last file of the key that has most gives way to one of a key that has fewer.

        Raises:
            Overloaded: too many files of theirs wait already; or those of all keys are too many, and this one
                does not come before them or gives way.
        """
        async with AsyncExitStack() as stack:
            try:
                async with asyncio.timeout(None) as waiting:
                    self._make_room(who)
                    self._waiting[waiting] = who
                    try:
                        await stack.enter_async_context(self._paced.turn(who))
                    finally:
                        self._waiting.pop(waiting, None)
            except TimeoutError:
                raise _too_many() from None
            yield

    def _make_room(self, who: str) -> None:
        of_each = Counter(self._waiting.values())
        if of_each[who] >= BANK_FILES_OF_A_KEY_MAX:
            raise Overloaded("your other files are still waiting; send this one after them")
        if len(self._waiting) < BANK_FILES_WAITING_MAX:
            return
        most, count = of_each.most_common(1)[0]
        if count <= of_each[who] + 1:
            raise _too_many()
        last = next(one for one, name in reversed(self._waiting.items()) if name == most)
        del self._waiting[last]
        last.reschedule(asyncio.get_running_loop().time())


def _too_many() -> Overloaded:
    return Overloaded("too many files are being read; send it again")
