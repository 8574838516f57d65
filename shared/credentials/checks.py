"""
What a badge must have, before its signature is looked at. All functions are pure.

Source: 1EdTech, Open Badges 3.0, appendix B (data model); W3C, Verifiable Credentials Data Model 2.0, section
4
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from shared.credentials.canonical import BADGE_CONTEXT, VC_CONTEXT, Json

CREDENTIAL = "VerifiableCredential"
BADGES = frozenset({"OpenBadgeCredential", "AchievementCredential"})
STATUS_LIST = "BitstringStatusListCredential"
STATUS_ENTRY = "BitstringStatusListEntry"

# Where something may stand in a badge, and the type that it must have.
_TYPES: tuple[tuple[tuple[str, ...], str], ...] = (
    (("issuer",), "Profile"),
    (("issuer", "parentOrg"), "Profile"),
    (("issuer", "otherIdentifier"), "IdentifierEntry"),
    (("credentialSubject",), "AchievementSubject"),
    (("credentialSubject", "identifier"), "IdentityObject"),
    (("credentialSubject", "source"), "Profile"),
    (("credentialSubject", "result"), "Result"),
    (("credentialSubject", "achievement"), "Achievement"),
    (("credentialSubject", "achievement", "creator"), "Profile"),
    (("credentialSubject", "achievement", "resultDescription"), "ResultDescription"),
    (("evidence",), "Evidence"),
)
_STATUS = ("statusPurpose", "statusListCredential")
_ACHIEVEMENT = ("id", "name", "description", "criteria")


def problem_of_badge(badge: Json) -> str | None:
    """The first thing that is wrong with a badge; None if nothing is."""
    return next(_problems_of_badge(badge), None)


def problem_of_list(status_list: Json) -> str | None:
    """The first thing that is wrong with a credential that is a status list; None if nothing is."""
    return next(_problems_of_list(status_list), None)


def types_of(value: Json) -> list[Any]:
    """The types of an object: in JSON a text or a list."""
    return _listed(value.get("type"))


def time_of(text: object) -> datetime | None:
    """A time with its offset; None if it is none."""
    try:
        at = datetime.fromisoformat(text) if isinstance(text, str) and "T" in text else None
    except ValueError:
        return None
    return at if at is not None and at.tzinfo is not None else None


def issuer_of(credential: Json) -> str:
    """The id of the issuer, empty if there is none."""
    issuer = credential.get("issuer")
    found = issuer.get("id") if isinstance(issuer, dict) else issuer
    return found if isinstance(found, str) else ""


def _problems_of_badge(badge: Json) -> Iterator[str]:
    yield from _problems_of_any(badge)
    if _listed(badge.get("@context"))[1:2] != [BADGE_CONTEXT]:
        yield f"its second context is not {BADGE_CONTEXT}"
    if not BADGES & set(map(str, types_of(badge))):
        yield "it is no OpenBadgeCredential"
    yield from _problems_of_subject(badge.get("credentialSubject"))
    yield from _problems_of_status(_listed(badge.get("credentialStatus")))
    for path, wanted in _TYPES:
        for found in _at([badge], path):
            if isinstance(found, dict) and wanted not in types_of(found):
                yield f"{'.'.join(path)} is no {wanted}"


def _problems_of_status(entries: list[Any]) -> Iterator[str]:
    """An entry may be of a kind that is unknown here, but not of a known kind in another form."""
    for entry in entries:
        kind = entry.get("type") if isinstance(entry, dict) else None
        if not isinstance(kind, str) or ":" in kind:
            yield "its credentialStatus does not say of which type it is"
        elif kind == STATUS_ENTRY and not all(isinstance(entry.get(name), str) for name in _STATUS):
            yield "its credentialStatus names no list"


def _problems_of_subject(subject: object) -> Iterator[str]:
    if not isinstance(subject, dict):
        yield "it has no credentialSubject"
        return
    if not subject.get("id") and not subject.get("identifier"):
        yield "its credentialSubject has neither id nor identifier"
    achievement = subject.get("achievement")
    if not isinstance(achievement, dict):
        yield "its credentialSubject has no achievement"
        return
    for name in _ACHIEVEMENT:
        if not achievement.get(name):
            yield f"its achievement has no {name}"


def _problems_of_list(status_list: Json) -> Iterator[str]:
    yield from _problems_of_any(status_list)
    if STATUS_LIST not in types_of(status_list):
        yield "it is no BitstringStatusListCredential"
    subject = status_list.get("credentialSubject")
    if not isinstance(subject, dict) or not isinstance(subject.get("encodedList"), str):
        yield "it contains no list"


def _problems_of_any(credential: Json) -> Iterator[str]:
    if not all(isinstance(one, str) for one in _listed(credential.get("@context"))):
        yield "it has a context of its own"
    if name := _renamed(credential):
        yield f"it has a field with the name {name[:80]}"
    if _listed(credential.get("@context"))[:1] != [VC_CONTEXT]:
        yield f"its first context is not {VC_CONTEXT}"
    if CREDENTIAL not in types_of(credential):
        yield "it is no VerifiableCredential"
    if not issuer_of(credential):
        yield "it has no issuer"
    if time_of(credential.get("validFrom")) is None:
        yield "it has no validFrom, or that is no time with an offset"
    if "validUntil" in credential and time_of(credential["validUntil"]) is None:
        yield "its validUntil is no time with an offset"


def _renamed(credential: Json) -> str | None:
    """
    A field that is named by an address or a keyword of JSON-LD.

    The same statements can be written in such other words, and the signature stays right. So a credential
    could hide from a reader, such as the one here, that it has a status.
    """
    waiting: list[Any] = [{name: value for name, value in credential.items() if name != "@context"}]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            for name in one:
                if ":" in name or name.startswith("@"):
                    return str(name)
            waiting += one.values()
        elif isinstance(one, list):
            waiting += one
    return None


def _at(values: list[Any], path: tuple[str, ...]) -> list[Any]:
    """What stands at this path, in every element of lists on the way."""
    for name in path:
        values = [
            inner for one in values if isinstance(one, dict) and name in one for inner in _listed(one[name])
        ]
    return values


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
