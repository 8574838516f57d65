"""Which tests may run side by side."""

import pytest

from tests.support.sharing import ROOT, SERVICES, group_of, uses_kafka


@pytest.mark.parametrize("service", SERVICES)
def test_those_that_read_a_services_topics_are_one_group_and_other_modules_one_each(service: str) -> None:
    modules = [path.relative_to(ROOT).as_posix() for path in (ROOT / service).rglob("test_*.py")]
    reading = {module for module in modules if uses_kafka(module)}
    assert {group_of(module) for module in reading} == {service}
    others = [group_of(module) for module in modules if module not in reading]
    assert len(others) == len(set(others)) > 5


def test_a_module_that_reads_as_a_services_group_runs_with_that_service() -> None:
    assert group_of("tests/ops/test_offsets.py") == "tests/quiz"
