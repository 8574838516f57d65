"""The runner of mutations: only a test that fails because of the mutation counts as noticing it."""

from pathlib import Path

import pytest

from tests.mutations.__main__ import LISTS, ROOT
from tests.mutations.running import Broken, Mutation, Outcome, Verdict, copy, mutated, read, run

CODE = "def twice(number: int) -> int:\n    return number * 2\n"
TESTS = """
from code_of_trial import twice

def test_of_three():
    assert twice(3) == 6

def test_of_two():
    assert twice(2) == 4

def test_fails_anyway():
    assert twice(1) == 1

def test_takes_long():
    import time
    time.sleep(0 if twice(1) == 2 else 60)
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    root.mkdir()
    (root / "code_of_trial.py").write_text(CODE)
    (root / "test_trial.py").write_text(TESTS)
    (root / ".venv").mkdir()
    return copy(root, tmp_path / "copy")


def mutation(
    old: str = "number * 2", new: str = "number + 2", test: str = "of_three", file: str = "code_of_trial.py"
) -> Mutation:
    return Mutation("trial", file, old, new, (f"test_trial.py::test_{test}",))


def outcome_of(project: Path, tried: Mutation, seconds_max: float = 30.0) -> Outcome:
    [outcome] = run(project, [tried], {}, seconds_max=seconds_max)
    assert (project / "code_of_trial.py").read_text() == CODE, "the copy is as before"
    return outcome


def test_a_mutation_that_a_test_fails_by_is_noticed(project: Path) -> None:
    assert outcome_of(project, mutation(test="of_three")).verdict is Verdict.noticed


def test_a_mutation_that_no_test_fails_by_survives(project: Path) -> None:
    assert outcome_of(project, mutation(test="of_two")).verdict is Verdict.survived


def test_tests_that_do_not_end_have_noticed(project: Path) -> None:
    outcome = outcome_of(project, mutation(test="takes_long"), seconds_max=5.0)
    assert (outcome.verdict, outcome.said) == (Verdict.noticed, "not within 5 s")


@pytest.mark.parametrize(
    ("tried", "why"),
    [
        (mutation(old="number * 3"), "its old text is 0 times in code_of_trial.py, not once"),
        (mutation(old="number"), "its old text is 2 times"),
        (mutation(new="number * 2"), "it changes nothing"),
        (mutation(file="gone.py"), "there is no gone.py"),
        (mutation(test="that_is_gone"), "its tests don't pass without it"),
        (mutation(test="fails_anyway"), "its tests don't pass without it"),
        (Mutation("trial", "code_of_trial.py", "number * 2", "number + 2", ()), "it names no test"),
    ],
)
def test_a_mutation_that_cannot_be_tried_is_an_error_and_not_a_pass(
    project: Path, tried: Mutation, why: str
) -> None:
    outcome = outcome_of(project, tried)
    assert outcome.verdict is Verdict.broken
    assert why in outcome.said


def test_a_copy_has_no_environment_and_no_data(project: Path) -> None:
    assert not (project / ".venv").exists()


@pytest.mark.parametrize("listed", read(LISTS), ids=lambda one: one.name)
def test_every_mutation_of_the_list_fits_the_code_and_names_tests_that_are_there(listed: Mutation) -> None:
    try:
        mutated(ROOT, listed)
    except Broken as reason:
        pytest.fail(f"{listed.name}: {reason}")
    assert listed.tests
    for test in listed.tests:
        file, _, name = test.partition("::")
        assert (
            f"def {name.partition('[')[0]}(" in (ROOT / file).read_text() if name else (ROOT / file).exists()
        )


def test_no_two_mutations_have_one_name() -> None:
    names = [listed.name for listed in read(LISTS)]
    assert len(names) == len(set(names))
