"""The mails and the data of a local week can be read by their owner alone."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from ops.local.mailbox import Mailbox
from ops.stack.host import make_folder


@pytest.fixture(autouse=True)
def _careless_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_mails_are_readable_by_their_owner_alone(tmp_path: Path) -> None:
    Mailbox(tmp_path / "mail.jsonl")
    assert mode(tmp_path / "mail.jsonl") == 0o600


def test_the_data_of_a_week_are_readable_by_their_owner_alone(tmp_path: Path) -> None:
    make_folder(tmp_path / "week")
    assert mode(tmp_path / "week") == 0o700
