"""Which tests may run side by side."""

from tests.support.sharing import SERVICES, group_of


def test_a_services_tests_are_one_group_and_other_modules_one_each() -> None:
    for service in SERVICES:
        assert {group_of(f"{service}/test_{name}.py") for name in ("api", "service")} == {service}
        assert group_of(f"{service}/room/test_api.py") == service
    assert group_of("tests/shared/test_outages.py") != group_of("tests/shared/test_crashes.py")


def test_a_module_that_reads_as_a_services_group_runs_with_that_service() -> None:
    assert group_of("tests/ops/test_offsets.py") == "tests/quiz"
