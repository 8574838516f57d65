"""Whether somebody has read the tests already (tests/support/reading.py)."""

from pathlib import Path

from tests.support.reading import KEPT, all_kept


def test_a_module_that_pytest_has_not_compiled_is_noticed_wherever_it_stands(tmp_path: Path) -> None:
    for room in (tmp_path, tmp_path / "room"):
        (room / "__pycache__").mkdir(parents=True)
        (room / "test_one.py").touch()
        assert not all_kept(tmp_path)
        # What Python itself has compiled does not help: pytest changes the assertions.
        (room / "__pycache__" / "test_one.cpython-311.pyc").touch()
        assert not all_kept(tmp_path)
        (room / "__pycache__" / f"test_one.{KEPT}").touch()
        assert all_kept(tmp_path)
