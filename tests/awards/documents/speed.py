"""How many documents a second one thread makes: python -m tests.awards.documents.speed"""

import asyncio
import time

from services.awards.documents.defaults import DEFAULTS
from services.awards.documents.fonts import Fonts
from services.awards.documents.print_pages import FILE_PAGES_MAX
from services.awards.documents.typeset import Typesetter
from tests.awards.documents.builders import AT, page

FILES = 5
SINGLE = 200


async def measure() -> None:
    """Print the figures of the default prize, with names and units that differ."""
    typesetter, of, late = Typesetter(Fonts()), DEFAULTS["prize"], 0.0

    async def watch() -> None:
        nonlocal late
        while True:
            before = time.monotonic()
            await asyncio.sleep(0.001)
            late = max(late, time.monotonic() - before - 0.001)

    pages = [page(of, f"李小明{number}", f"第{number}中学") for number in range(FILES * FILE_PAGES_MAX)]
    await typesetter.document(of, pages[:1], "zh-CN", AT)
    watching = asyncio.create_task(watch())
    began, computed = time.monotonic(), time.process_time()
    for file in range(FILES):
        some = pages[file * FILE_PAGES_MAX : (file + 1) * FILE_PAGES_MAX]
        pdf = await typesetter.document(of, some, "zh-CN", AT)
    rate = len(pages) / (time.monotonic() - began)
    per_page = 1_000 * (time.process_time() - computed) / len(pages)
    print(f"{per_page:.1f} ms of a processor for each document of a file")  # noqa: T201
    print(f"in files of {FILE_PAGES_MAX}: {rate:.0f} a second, {len(pdf) / 1024:.0f} KiB each")  # noqa: T201
    began = time.monotonic()
    for one in pages[:SINGLE]:
        await typesetter.document(of, [one], "zh-CN", AT)
    print(f"one by one: {SINGLE / (time.monotonic() - began):.0f} a second")  # noqa: T201
    print(f"the event loop was late by {1_000 * late:.0f} ms at the most")  # noqa: T201
    watching.cancel()
    typesetter.close()


if __name__ == "__main__":
    asyncio.run(measure())
