"""Which tests may run side by side (pytest -n 2 --dist loadgroup), and which begin first."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# The tests of one of these read the declared topics as one consumer group: two at once would take the other's
# events.
SERVICES = ("tests/quiz", "tests/awards", "tests/notifications", "tests/registration")
# Those that last longest begin first, so that at the end no worker waits for one of them.
FIRST = (
    "tests/flow",
    "tests/quiz",
    "tests/shared/test_outages.py",
    "tests/shared/test_crashes.py",
    "tests/awards",
    "tests/notifications",
    "tests/bench",
    "tests/registration",
    "tests/ops",
)


# A test elsewhere that reads or writes as a service's consumer group names it: xdist_group("tests/quiz").
GROUP = "xdist_group"


def by_worker(items: list[pytest.Item]) -> None:
    """Name each test's group, whose tests one worker runs, and order the groups; within one nothing moves."""
    groups = {item: _group_of(item) for item in items}
    for item, group in groups.items():
        if not item.get_closest_marker(GROUP):
            item.add_marker(pytest.mark.xdist_group(group))
    items.sort(key=lambda item: _turn_of(groups[item]))


def _group_of(item: pytest.Item) -> str:
    """A module's tests share what they start; a service's tests with servers are one group."""
    if told := item.get_closest_marker(GROUP):
        return str(told.args[0])
    place = _place_of(item)
    folder = f"tests/{place.parts[1]}"
    return folder if folder in SERVICES and item.get_closest_marker("stack") else place.as_posix()


def _turn_of(group: str) -> int:
    return next((turn for turn, first in enumerate(FIRST) if group.startswith(first)), len(FIRST))


def _place_of(item: pytest.Item) -> Path:
    return item.path.relative_to(ROOT)
