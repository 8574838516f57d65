"""The form of server-sent events."""

import re

from shared.web.live.frames import BEAT, event, retry


def test_an_event_has_its_name_its_data_and_only_the_last_one_an_id() -> None:
    assert event("frozen", b"{}") == b"event: frozen\ndata: {}\n\n"
    assert event("standings", b'{"a":1}', "abc") == b'event: standings\nid: abc\ndata: {"a":1}\n\n'
    # An empty id makes the client forget the one it has.
    assert event("removed", b"{}", "") == b"event: removed\nid: \ndata: {}\n\n"


def test_a_beat_is_a_comment() -> None:
    assert BEAT == b":\n\n"


def test_listeners_come_back_at_different_moments() -> None:
    said = {retry(2.0, 5.0) for _ in range(50)}
    milliseconds = [int(found[1]) for one in said if (found := re.fullmatch(rb"retry: (\d+)\n\n", one))]
    assert len(milliseconds) == len(said) > 25
    assert all(2_000 <= one <= 5_000 for one in milliseconds)
