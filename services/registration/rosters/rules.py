"""Members of a group and imports of rosters; nothing here does I/O."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal

import msgspec
from msgspec.structs import replace

from services.registration.participants.rules import Participant, ParticipantId
from shared.contracts.checked import same_to_readers
from shared.contracts.events import Audience
from shared.runtime.errors import Conflict, Rejected
from shared.runtime.keyed_hash import KeyedHash

# A large school has 5,000 pupils. Beyond it, a group uploads several files.
ROSTER_LINES_MAX = 5_000
COLUMNS_MAX = 32
# Far more than any of our columns takes: what is longer is found to be too long by the column's own check.
CELL_CHARS_MAX = 1_000
MEMBERS_MAX = 20_000
# Files of one group that wait for a confirmation or are being imported.
PREVIEWS_MAX = 5
PREVIEW_HOURS = 24
PREVIEW_KEPT = timedelta(hours=PREVIEW_HOURS)
# After it has ended, an import shows its counts for this time.
IMPORT_DAYS_KEPT = 30
IMPORT_KEPT = timedelta(days=IMPORT_DAYS_KEPT)

# Bad cells that an import lists. Whoever has more corrects these first, or sees that a whole column is wrong.
FAULTS_KEPT = 100

ImportStatus = Literal["previewed", "confirmed", "importing", "imported", "failed"]
# Until it has ended, a file counts as one that is under way.
UNDER_WAY: tuple[ImportStatus, ...] = ("previewed", "confirmed", "importing")
TO_BE_IMPORTED: tuple[ImportStatus, ...] = ("confirmed", "importing")


class Details(msgspec.Struct, frozen=True):
    """What a group says about a member. It is stored only encrypted with the member's own key."""

    name: str
    department: str | None = None
    number: str | None = None
    email: str | None = None
    audience: Audience = "other"
    is_minor: bool = False


class Member(msgspec.Struct, frozen=True):
    """
    A member of a group, who is a participant too.

    Attributes:
        participant_id: who the member is. Nobody has a token of it until somebody signs in with the address.
        identity_hash: the same for the same name, department and number in the same group.
        details_fingerprint: shows whether an import says the same as before.
        was_known: the participant was there before the group named its address.
        claimed_at: when somebody became the member by a code (the room `claims`).
        left_at: when the participant left the group. Who has left is no member (`left.py`).
    """

    member_id: str
    group_id: str
    participant_id: ParticipantId
    identity_hash: str
    details_fingerprint: str
    details_locked: str
    audience: Audience
    is_minor: bool
    added_at: datetime
    version: int = 1
    was_known: bool = False
    claimed_at: datetime | None = None
    left_at: datetime | None = None

    @property
    def is_by_own_group(self) -> bool:
        """
        Whether the participant came by this group, or has claimed the membership.

        Anybody who manages a group can enter anybody's address. So what else a group says of somebody binds
        nobody outside of its own bookings.
        """
        return not self.was_known or self.claimed_at is not None


class Line(msgspec.Struct, frozen=True, array_like=True):
    """
    A good line of a file.

    Attributes:
        number: as a spreadsheet counts, from 1 with the heading.
    """

    identity: str
    details: Details
    number: int


class LineFault(msgspec.Struct, frozen=True):
    """
    What is wrong with a line of a file; never with the words that stand there.

    Attributes:
        line: as a spreadsheet counts, from 1 with the heading.
        column: the heading as it is in the file; None if the whole line is wrong.
        values: the parts of the message that vary.
    """

    line: int
    column: str | None
    code: str
    values: dict[str, Any] = {}


class Import(msgspec.Struct, frozen=True):
    """
    A file that a manager uploaded.

    Attributes:
        lines: how many the file has, without the heading and without empty ones.
        faults: the first `FAULTS_KEPT`, in the order of the lines.
        added, changed, unchanged: what the good lines would do; from the start of the import, what they did
            so far. At its end, these and the bad lines are all lines.
        ignored: headings that nobody knows.
        expires_at: the server deletes the import then; None from the confirmation until it has ended.
        code: why it failed.
        faults_count: how many there are.
        email_heading: the heading of the addresses, to name one that is somebody else's.
    """

    import_id: str
    group_id: str
    uploaded_at: datetime
    status: ImportStatus
    lines: int
    faults: list[LineFault]
    bad_lines: int
    added: int
    changed: int
    unchanged: int
    ignored: list[str]
    expires_at: datetime | None
    code: str | None = None
    faults_count: int = 0
    email_heading: str | None = None


def identity_of(details: Details, group_id: str, keyed_hash: KeyedHash) -> str:
    """
    Who a member is within the group: name, department and number, as readers see them.

    So a corrected e-mail is the same member, and a corrected name is another one.
    """
    parts = (details.name, details.department or "", details.number or "")
    seen = [same_to_readers(part).casefold() for part in parts]
    return keyed_hash.of(msgspec.json.encode([group_id, *seen]))


def fingerprint_of(details: Details, keyed_hash: KeyedHash) -> str:
    """The same for the same details."""
    return keyed_hash.of(msgspec.json.encode(details))


def compare(said: Mapping[str, str], known: Mapping[str, str]) -> tuple[list[str], list[str], list[str]]:
    """
    What lines would do to a roster; both map identities to fingerprints.

    Returns: the identities that are new, those that change, and those that are the same already.
    """
    added = [identity for identity in said if identity not in known]
    changed = [one for one, now in said.items() if one in known and known[one] != now]
    unchanged = [one for one, now in said.items() if known.get(one) == now]
    return added, changed, unchanged


def speaks_for(member: Member, participant: Participant, *, is_shared: bool) -> bool:
    """
    Whether a group may change and erase the participant of its member.

    It may not once somebody has signed in, or if the participant was there before, or if another group has
    the same participant as a member.
    """
    return not (member.was_known or participant.is_verified or is_shared)


def check_not_full(members: int, added: int) -> None:
    """
    Check that a roster has room for more members.

    Raises:
        Rejected: it would have more than `MEMBERS_MAX`.
    """
    if members + added > MEMBERS_MAX:
        raise Rejected(f"a roster has at most {MEMBERS_MAX} members", code="roster_full", most=MEMBERS_MAX)


def check_confirmable(preview: Import, *, skip_bad_lines: bool) -> None:
    """
    Check that a preview can be imported.

    Raises:
        Conflict: some lines are bad and the manager does not say to leave them out; or no line is good.
    """
    if preview.bad_lines and not skip_bad_lines:
        raise Conflict(
            f"{preview.bad_lines} lines are bad: correct them, or say skip_bad_lines",
            code="import_has_bad_lines",
            count=preview.bad_lines,
        )
    if preview.bad_lines == preview.lines:
        raise Conflict("no line of the file is good", code="import_empty")


def bad_lines_of(faults: Sequence[LineFault]) -> Collection[int]:
    """The numbers of the lines that have a fault."""
    return {fault.line for fault in faults}


def with_faults(one: Import, faults: Sequence[LineFault]) -> Import:
    """The same import with these faults too, of lines that were good. It lists `FAULTS_KEPT` at most."""
    return replace(
        one,
        faults=sorted([*one.faults, *faults], key=lambda fault: fault.line)[:FAULTS_KEPT],
        faults_count=one.faults_count + len(faults),
        bad_lines=one.bad_lines + len(bad_lines_of(faults)),
    )
