"""What a stack remembers, and that only one command at a time changes it."""

import threading
from pathlib import Path

import pytest

from ops.stack.errors import StackError
from ops.stack.state import ServerProcess, ServerState, State, load, locked, save

KAFKA = ServerState(ports=(20_001, 20_002), process=ServerProcess(pid=7, command=("java", "kafka.Kafka")))


def test_state_is_read_as_it_was_saved(tmp_path: Path) -> None:
    state = State().with_server("kafka", KAFKA).with_server("mongo", ServerState(ports=(20_003,)))
    save(tmp_path / "stack.json", state)
    assert load(tmp_path / "stack.json") == state


def test_the_first_state_makes_its_folder_for_the_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "new" / "services.json"
    save(path, State())
    assert load(path) == State()
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_no_file_means_nothing_was_ever_started(tmp_path: Path) -> None:
    assert load(tmp_path / "stack.json") == State()


@pytest.mark.parametrize("text", ["", "{", '{"servers": {"kafka": {"ports": []}}}'])
def test_unreadable_state_is_told_and_not_forgotten(tmp_path: Path, text: str) -> None:
    path = tmp_path / "stack.json"
    path.write_text(text)
    with pytest.raises(StackError, match="see with ps"):
        load(path)
    assert path.read_text() == text


def test_second_holder_of_the_lock_waits_no_longer_than_told(tmp_path: Path) -> None:
    with (
        locked(tmp_path / "lock"),
        pytest.raises(StackError, match="another command"),
        locked(tmp_path / "lock", wait_seconds=0.1),
    ):
        pass


def test_second_holder_of_the_lock_comes_after_the_first(tmp_path: Path) -> None:
    order = []

    def second() -> None:
        with locked(tmp_path / "lock"):
            order.append("second")

    thread = threading.Thread(target=second)
    with locked(tmp_path / "lock"):
        thread.start()
        order.append("first")
    thread.join()
    assert order == ["first", "second"]
