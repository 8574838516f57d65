"""The lines of a file as members, and each bad cell by its line and heading."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import msgspec
from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints, ValidationError

from services.registration.rosters.rules import Details, LineFault, bad_lines_of, identity_of
from shared.contracts.checked import Email, Name, line
from shared.contracts.events import Audience
from shared.contracts.sealing import mailbox
from shared.runtime.errors import Rejected
from shared.runtime.keyed_hash import KeyedHash
from shared.web.read_table import Row

DEPARTMENT_CHARS_MAX = 60
NUMBER_CHARS_MAX = 32
HEADING_CHARS_MAX = 40

# Our columns by the headings that people write, in small letters and without spaces.
HEADINGS: Mapping[str, str] = {
    "姓名": "name",
    "名字": "name",
    "学生姓名": "name",
    "name": "name",
    "班级": "department",
    "部门": "department",
    "班级/部门": "department",
    "科室": "department",
    "class": "department",
    "department": "department",
    "编号": "number",
    "学号": "number",
    "工号": "number",
    "number": "number",
    "no.": "number",
    "邮箱": "email",
    "电子邮箱": "email",
    "电子邮件": "email",
    "email": "email",
    "e-mail": "email",
    "人群": "audience",
    "重点人群": "audience",
    "audience": "audience",
    "未成年": "is_minor",
    "是否未成年": "is_minor",
    "未成年人": "is_minor",
    "minor": "is_minor",
}
AUDIENCES: Mapping[str, Audience] = {
    "青少年": "youth",
    "农民": "farmers",
    "产业工人": "workers",
    "老年人": "elderly",
    "领导干部和公务员": "officials",
    "其他": "other",
    "youth": "youth",
    "farmers": "farmers",
    "workers": "workers",
    "elderly": "elderly",
    "officials": "officials",
    "other": "other",
}
YES_NO: Mapping[str, bool] = {
    "是": True,
    "yes": True,
    "true": True,
    "1": True,
    "y": True,
    "否": False,
    "no": False,
    "false": False,
    "0": False,
    "n": False,
}

# The length is checked first, and not through the cache of `line`: nobody may keep what is said of a person.
_VISIBLE = AfterValidator(line.__wrapped__)
Department = Annotated[str, StringConstraints(min_length=1, max_length=DEPARTMENT_CHARS_MAX), _VISIBLE]
Number = Annotated[str, StringConstraints(min_length=1, max_length=NUMBER_CHARS_MAX), _VISIBLE]


class MemberLine(BaseModel):
    """A member as a line or a form says it, checked."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Name
    department: Department | None = None
    number: Number | None = None
    email: Email | None = None
    audience: Audience = "other"
    is_minor: bool = False

    def details(self) -> Details:
        return Details(**self.model_dump())


class Checked(msgspec.Struct, frozen=True):
    """
    What the lines of a file say.

    Attributes:
        good: the members by their identities.
        numbers: the numbers of their lines.
        lines: how many lines there are, good and bad.
        email_heading: as it is in the file.
    """

    good: dict[str, Details]
    faults: list[LineFault]
    lines: int
    ignored: list[str]
    numbers: dict[str, int]
    email_heading: str | None


def check_lines(rows: Sequence[Row], group_id: str, keyed_hash: KeyedHash) -> Checked:
    """
    Check every line.

    Two lines of the same member are both bad: nobody can tell which one is meant. Two members with the same
    e-mail address are too: whoever signs in with it is one participant.

    Raises:
        Rejected: the heading has no column for the name, or has one twice; or there are no lines.
    """
    if not rows:
        raise Rejected("the file is empty", code="roster_empty")
    headings = [cell[:HEADING_CHARS_MAX] for cell in rows[0][1]]
    columns = _columns(headings)
    shown = {name: headings[place] for place, name in columns.items()}
    faults: list[LineFault] = []
    found: dict[str, list[tuple[int, Details]]] = {}
    for number, cells in rows[1:]:
        wrong, details = _line(number, cells, columns, shown)
        faults += wrong
        if details is not None:
            found.setdefault(identity_of(details, group_id, keyed_hash), []).append((number, details))
    good: dict[str, Details] = {}
    numbers: dict[str, int] = {}
    for identity, same in found.items():
        if len(same) == 1:
            [(numbers[identity], good[identity])] = same
            continue
        faults += [
            LineFault(number, None, "line_doubled", {"others": _others(number, same)}) for number, _ in same
        ]
    faults += _same_address(good, numbers, shown.get("email"))
    if len(rows) == 1:
        raise Rejected("the file has a heading and nothing below it", code="roster_empty")
    ignored = [heading for place, heading in enumerate(headings) if heading and place not in columns]
    faults.sort(key=lambda fault: fault.line)
    assert len(good) + len(bad_lines_of(faults)) == len(rows) - 1  # noqa: S101 (no line is lost)
    return Checked(good, faults, len(rows) - 1, ignored, numbers, shown.get("email"))


def _same_address(
    good: dict[str, Details], numbers: Mapping[str, int], heading: str | None
) -> list[LineFault]:
    """Take the members whose address another one has too out of the good ones."""
    by_address: dict[str, list[str]] = {}
    for identity, details in good.items():
        if details.email:
            by_address.setdefault(mailbox(details.email), []).append(identity)
    faults: list[LineFault] = []
    for identities in by_address.values():
        if len(identities) == 1:
            continue
        same = [(numbers[identity], good.pop(identity)) for identity in identities]
        faults += [
            LineFault(number, heading, "email_doubled", {"others": _others(number, same)})
            for number, _ in same
        ]
    return faults


def _columns(headings: Sequence[str]) -> dict[int, str]:
    """Our columns by their places in the file."""
    columns: dict[int, str] = {}
    for place, heading in enumerate(headings):
        name = HEADINGS.get("".join(heading.split()).casefold().lstrip("\ufeff"))
        if name is None:
            continue
        if name in columns.values():
            raise Rejected(
                f"the file has two columns for the same: {heading}",
                code="roster_column_doubled",
                column=heading,
            )
        columns[place] = name
    if "name" not in columns.values():
        raise Rejected(
            "the first line has no heading 姓名 or name", code="roster_column_missing", column="姓名"
        )
    return columns


def _line(
    number: int, cells: Sequence[str], columns: Mapping[int, str], shown: Mapping[str, str]
) -> tuple[list[LineFault], Details | None]:
    said: dict[str, Any] = {}
    faults: list[LineFault] = []
    for place, name in columns.items():
        cell = cells[place] if place < len(cells) else ""
        if name == "name" and not cell:
            faults.append(LineFault(number, shown[name], "missing"))
        elif cell:
            word = "".join(cell.split()).casefold()
            if name == "audience":
                said[name] = AUDIENCES.get(word)
            elif name == "is_minor":
                said[name] = YES_NO.get(word)
            else:
                said[name] = cell
            if said[name] is None:
                faults.append(LineFault(number, shown[name], f"{name}_unknown"))
                del said[name]
    # Of a young audience everybody is a minor, unless the file says otherwise.
    said.setdefault("is_minor", said.get("audience") == "youth")
    if faults and faults[0].code == "missing":
        said["name"] = "-"
    try:
        details = MemberLine.model_validate(said).details()
    except ValidationError as error:
        # Without the cause, which quotes the line.
        faults += [
            LineFault(number, shown[str(one["loc"][0])], one["type"], _plain(one.get("ctx", {})))
            for one in error.errors(include_url=False, include_input=False)
        ]
        return faults, None
    return faults, None if faults else details


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if isinstance(value, int | str)}


def _others(number: int, same: Sequence[tuple[int, Details]]) -> str:
    return ", ".join(str(other) for other, _ in same[:6] if other != number)
