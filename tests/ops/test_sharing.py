"""Which tests may run side by side."""

import re

import pytest

from tests.support.sharing import (
    APART,
    GROUPS,
    QUIZ,
    QUIZ_APART,
    ROOT,
    from_ones_own_part,
    group_of,
    uses_kafka,
)

FOLDERS = [path for path in GROUPS if path.endswith("/")]
# A test runs a whole service, with its consumers if it names Kafka: `of_registration.service(…)`.
RUNS = re.compile(r"\bof_(\w+)\.service\(")


def modules_in(folder: str) -> list[str]:
    return [path.relative_to(ROOT).as_posix() for path in (ROOT / folder).rglob("test_*.py")]


@pytest.mark.parametrize("folder", FOLDERS)
def test_those_that_read_a_services_topics_are_one_group_and_other_modules_one_each(folder: str) -> None:
    modules = modules_in(folder)
    reading = {module for module in modules if uses_kafka(module)}
    apart = {module for module in reading if module.startswith(APART)}
    assert {group_of(module) for module in reading - apart} == {GROUPS[folder]}
    assert {group_of(module) for module in apart} == ({QUIZ_APART} if GROUPS[folder] == QUIZ else set())
    others = [group_of(module) for module in modules if module not in reading]
    assert len(others) == len(set(others))


def test_most_modules_need_no_broker_and_are_groups_of_their_own() -> None:
    modules = [module for folder in FOLDERS for module in modules_in(folder)]
    assert sum(not uses_kafka(module) for module in modules) > len(modules) / 2


def test_a_module_elsewhere_that_runs_a_service_on_kafka_belongs_to_that_services_group() -> None:
    found = [
        (module, service)
        for module in modules_in("tests")
        if uses_kafka(module) and module != "tests/ops/test_sharing.py"
        for service in set(RUNS.findall((ROOT / module).read_text()))
    ]
    assert len(found) >= 4
    assert [one for one in found if group_of(one[0]) != GROUPS[f"tests/{one[1]}/"]] == []


def test_a_module_that_reads_as_a_services_group_runs_with_that_service() -> None:
    assert group_of("tests/ops/test_offsets.py") == GROUPS["tests/quiz/"]


def test_workers_collect_the_same_modules_and_each_begins_at_another_quarter() -> None:
    found = [from_ones_own_part([str(ROOT / "tests")], worker, 4) for worker in range(4)]
    assert {tuple(sorted(modules)) for modules in found} == {
        tuple(sorted(map(str, (ROOT / "tests").rglob("test_*.py"))))
    }
    firsts = sorted(found[0].index(modules[0]) for modules in found)
    assert firsts == [len(found[0]) * worker // 4 for worker in range(4)]


def test_names_of_tests_are_collected_as_they_were_given() -> None:
    named = ["tests/ops/test_sharing.py::test_a", str(ROOT / "tests/awards")]
    assert from_ones_own_part(named, 1, 2) == named
