"""Which tests may run side by side (pytest -n 4 --dist loadscope), and which begin first."""

import os
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import pytest
from xdist.scheduler import LoadScopeScheduling

ROOT = Path(__file__).parents[2]
# Tests of one group read topics as the same consumer group. Two at the same time would take each other's
# events, so one worker runs a group. Tests that only use a database of their own are no part of it.
QUIZ, AWARDS, PEOPLE = "quiz", "awards", "registration and notifications"
WEBHOOKS, OVERVIEW = "webhooks", "overview"
# Quiz has more of them than all others together. Half of them read another broker.
QUIZ_APART = "quiz, on a broker of its own"
APART = tuple(f"tests/quiz/{room}/" for room in ("disqualifying", "lifecycle", "live", "saving"))
# Who names a broker has only that one.
HAS_TWO_BROKERS = "KEPU_KAFKA" not in os.environ
GROUPS = {
    "tests/quiz/": QUIZ,
    "tests/ops/test_offsets.py": QUIZ,
    "tests/awards/": AWARDS,
    "tests/notifications/": PEOPLE,
    "tests/registration/": PEOPLE,
    "tests/webhooks/": WEBHOOKS,
    "tests/overview/": OVERVIEW,
    # They run both services together.
    "tests/flow/test_moved.py": PEOPLE,
    "tests/flow/test_phones.py": PEOPLE,
}
# Those that last longest begin first, so that at the end no worker waits for one of them. They last from 190
# to 13 seconds, and all others less.
FIRST = (
    QUIZ,
    QUIZ_APART,
    "tests/flow/test_week.py",
    "tests/quiz/regrading/crowd/test_crowd.py",
    PEOPLE,
    "tests/shared/test_outages.py",
    "tests/shared/web/edge/test_twins.py",
    "tests/documents/test_guides.py",
    "tests/shared/messaging/test_bounds.py",
    AWARDS,
    "tests/notifications/sending/test_retries.py",
    "tests/registration/rosters/test_read_workbook.py",
    "tests/shared/web/edge/test_hot_protocol.py",
    "tests/shared/test_crashes.py",
    "tests/shared/messaging",
    "tests/shared/web/edge",
    "tests/registration",
    "tests/notifications",
)


class ByService(LoadScopeScheduling):  # type: ignore[misc]
    """
    Gives each worker a group of tests that read topics, or another module's tests, as a whole.

    pytest-xdist's own `loadgroup` writes the groups into the tests' ids, which pytest 9.2 no longer lets it
    do: it then groups nothing, and says nothing.
    """

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid.partition("::")[0])


def group_of(module: str) -> str:
    """The group of a module's tests: one worker runs all of a group."""
    group = next((group for path, group in GROUPS.items() if module.startswith(path)), None)
    if group is None or not uses_kafka(module):
        return module
    return QUIZ_APART if is_apart(module) and HAS_TWO_BROKERS else group


def is_apart(module: str) -> bool:
    """Whether a module's tests use the second broker, if others run beside them."""
    return module.startswith(APART)


@cache
def uses_kafka(module: str) -> bool:
    """Whether a module asks for the broker. The scheduler knows only the names of tests, so this reads it."""
    return "kafka" in (ROOT / module).read_text()


def from_ones_own_part(args: Sequence[str], worker: int, workers: int) -> list[str]:
    """
    What a worker collects: the modules of these folders, each worker beginning at another one.

    Every worker imports all test modules. In a fresh checkout pytest compiles each of them first, which takes
    longer than the import, and keeps the result. So each worker compiles another part, and finds those of the
    others. If all began at the same module, all would compile everything.

    Args:
        args: folders; others are returned as they are, such as the names of tests.
        worker: from 0 to `workers` - 1.
    """
    if not all(Path(arg).is_dir() for arg in args):
        return list(args)
    modules = sorted({module for arg in args for module in Path(arg).rglob("test_*.py")})
    first = len(modules) * worker // workers
    return [str(module) for module in modules[first:] + modules[:first]]


def in_order(items: list[pytest.Item]) -> None:
    """Put the groups in order; within one nothing moves."""
    items.sort(key=lambda item: _turn_of(item.path))


@cache
def _turn_of(path: Path) -> int:
    group = group_of(path.relative_to(ROOT).as_posix())
    return next((turn for turn, first in enumerate(FIRST) if group.startswith(first)), len(FIRST))
