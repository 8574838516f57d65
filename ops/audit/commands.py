"""The commands of other systems for places: which of them registration carries out, and which it refuses."""

from collections import defaultdict
from collections.abc import Collection, Iterator

from ops.audit.log import Entry, Log, read_as
from shared.contracts.events import RegistrationRequested
from shared.contracts.sealing import sealed_bytes
from shared.runtime.errors import Rejected

TOPIC, GROUP = "registration.requested", "registration-requests"


def judged_commands(log: Log, gone: Collection[str]) -> tuple[list[Entry], list[str]]:
    """
    The commands that have an outcome, and the places of the records that become dead letters.

    Args:
        gone: erased participants. What their earlier requests said is forgotten, so one that comes again is
            answered, whatever it says now.
    """
    good: list[Entry] = []
    bad: list[str] = []
    by_request: dict[tuple[str, str, str], list[tuple[Entry, bytes]]] = defaultdict(list)
    for entry in log.records(TOPIC):
        command = read_as(entry, RegistrationRequested)
        if command is None or not _can_be_kept(command):
            bad.append(entry.place)
            continue
        good.append(entry)
        which = entry.alike["ce_source"], command.participant_id, command.request_id
        by_request[which].append((entry, command.asked_for))
    dead = log.given_up(TOPIC, GROUP, ())
    for (_, participant_id, _), some in by_request.items():
        others = list(_others(some))
        # The same request in two partitions: either may have been the first.
        either = len({entry.partition for entry, _ in some}) > 1
        if participant_id in gone or either:
            others = [entry.place for entry, _ in some if others and entry.place in dead]
        bad += others
    return good, bad


def _can_be_kept(command: RegistrationRequested) -> bool:
    try:
        sealed_bytes(command.contact_sealed or "")
    except Rejected:
        return False
    return True


def _others(some: list[tuple[Entry, bytes]]) -> Iterator[str]:
    """A request id that comes again with another content is refused: the first one counts."""
    _, first = some[0]
    return (entry.place for entry, asked_for in some if asked_for != first)
