"""Which tests may run side by side (pytest -n 2 --dist loadscope), and which begin first."""

from functools import cache
from pathlib import Path

import pytest
from xdist.scheduler import LoadScopeScheduling

ROOT = Path(__file__).parents[2]
# Those of these services' tests that read topics do it as one consumer group: two at the same time would take
# each other's events. Most tests only use a database of their own.
SERVICES = ("tests/quiz", "tests/awards", "tests/notifications", "tests/registration")
# Modules elsewhere that read or write as a service's consumer group.
BELONGS = {"tests/ops/test_offsets.py": "tests/quiz"}
# Those that last longest begin first, so that at the end no worker waits for one of them.
FIRST = (
    "tests/flow",
    "tests/quiz",
    "tests/shared/test_outages.py",
    "tests/shared/test_crashes.py",
    "tests/awards",
    "tests/notifications",
    "tests/registration",
    "tests/ops",
)


class ByService(LoadScopeScheduling):  # type: ignore[misc]
    """
    Gives each worker a service's tests that read topics, or another module's, as a whole.

    pytest-xdist's own `loadgroup` writes the groups into the tests' ids, which pytest 9.2 no longer lets it
    do: it then groups nothing, and says nothing.
    """

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid.partition("::")[0])


def group_of(module: str) -> str:
    """The group of a module's tests: one worker runs all of a group."""
    service = next((folder for folder in SERVICES if module.startswith(f"{folder}/")), None)
    return BELONGS.get(module) or (service if service and uses_kafka(module) else module)


@cache
def uses_kafka(module: str) -> bool:
    """Whether a module asks for the broker. The scheduler knows only the names of tests, so this reads it."""
    return "kafka" in (ROOT / module).read_text()


def in_order(items: list[pytest.Item]) -> None:
    """Put the groups in order; within one nothing moves."""
    items.sort(key=lambda item: _turn_of(item.path))


@cache
def _turn_of(path: Path) -> int:
    group = group_of(path.relative_to(ROOT).as_posix())
    return next((turn for turn, first in enumerate(FIRST) if group.startswith(first)), len(FIRST))
