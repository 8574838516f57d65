"""
Schemes in MongoDB; they are stored until an organiser deletes them.

schemes   `tie`: the list of a closing ends within a tie that is to be decided (`Tie`)
"""

import logging
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

import msgspec
from pydantic import ValidationError

from services.awards.schemes.metrics import begun, count_unreadable
from services.awards.schemes.rules import Scheme
from shared.runtime.errors import Conflict, NotFound, Outdated, Unavailable
from shared.runtime.ids import random_id
from shared.storage import mongo
from shared.storage.mongo import ASCENDING, Database, Document, DuplicateKeyError

log = logging.getLogger(__name__)

SCHEMES_MAX = 500
DECIDED = "some_decided"
# Others write the same scheme at the same moment so often.
PUTS_MAX = 5
KEEP = "keep"
TIE = "tie"
# Random, so that no two schemes of one name have the same.
MADE_CHARS = 8
_AT_ONCE: Document = {"type": "at_once"}
_LATER_TERMS: Document = {"next_in_rank": False}

Matching = Callable[[str | None], bool]


@dataclass(frozen=True, slots=True)
class SchemeMarks:
    """
    What is noted on a scheme.

    Attributes:
        in_use: it has awards, so its rule does not change any more.
        tie_decided: everyone in a tie at the end of the listed standings has the award, by the closing of
            this version. 0: the tie is not decided.
    """

    in_use: bool
    tie_decided: int


class SchemeStore:
    """Schemes by their ids."""

    def __init__(self, database: Database) -> None:
        self._schemes = database["schemes"]
        # A scheme in use stays in use, so each process marks it once.
        self._in_use: set[Scheme] = set()

    async def prepare(self) -> None:
        """Create the index, and the collection with it."""
        with mongo.outages_named():
            await self._schemes.create_index([("rule.quiz_id", ASCENDING)])

    async def put(self, scheme: Scheme, matches: Matching = lambda version: True) -> str:
        """
        Store a scheme, new or changed; returns its tag (`_tag`). Putting the same again changes nothing.

        Raises:
            Conflict: it is in use and only its title may change, or there are `SCHEMES_MAX`.
            Outdated: its tag does not match.
        """
        document = _stored(scheme)
        for _ in range(PUTS_MAX):
            with mongo.outages_named():
                found = await self._schemes.find_one({"_id": scheme.scheme_id})
            _check_version(scheme.scheme_id, found, matches)
            if found is None:
                if added := await self._add(scheme.scheme_id, document):
                    return _tag(added)
                continue
            # An earlier release stored no policy, and issued at once.
            stored = {"on_change": KEEP, "issue": _AT_ONCE, "draft": False} | found
            if all(stored[name] == value for name, value in document.items()):
                return _tag(found)
            terms = _same_rule(document)
            if found.get("in_use") and any(stored[name] != document[name] for name in terms):
                raise _in_use(scheme.scheme_id, "only its title may change")
            which = _as_read(found) | {"$or": [{"in_use": {"$ne": True}}, terms]}
            new = {"version": _version(found) + 1}
            with mongo.outages_named():
                changed = await self._schemes.update_one(which, {"$set": document | new})
            if changed.matched_count:
                return _tag(found | new)
        raise Unavailable(f"scheme {scheme.scheme_id} is changed by others all the time; try again")

    async def _add(self, scheme_id: str, document: Document) -> Document | None:
        """Insert a new scheme; None if somebody else has just put it."""
        new = {"_id": scheme_id, "version": 1, "made": random_id()[:MADE_CHARS], **document}
        with mongo.outages_named():
            if await self._schemes.estimated_document_count() >= SCHEMES_MAX:
                raise Conflict(f"there are {SCHEMES_MAX} schemes already", code="too_many_schemes")
            try:
                await self._schemes.insert_one(new)
            except DuplicateKeyError:
                return None
        return new

    async def delete(self, scheme_id: str, matches: Matching) -> None:
        """
        Delete a scheme that has no awards.

        Raises:
            NotFound: there is none.
            Conflict: it is in use.
            Outdated: its tag does not match.
        """
        with mongo.outages_named():
            if (found := await self._schemes.find_one({"_id": scheme_id})) is None:
                raise _unknown(scheme_id)
            _check_version(scheme_id, found, matches)
            which = _as_read(found) | {"in_use": {"$ne": True}}
            if (await self._schemes.delete_one(which)).deleted_count:
                return
            still = await self._schemes.find_one({"_id": scheme_id}) or {}
        if still.get("in_use"):
            raise _in_use(scheme_id, "it stays")
        raise _differs(scheme_id)

    async def use(self, scheme: Scheme) -> bool:
        """Make a scheme's rule final before its first award; False if the stored rule differs by now."""
        if scheme in self._in_use:
            return True
        if scheme.draft:
            return False
        if used := await self._mark(scheme, {"in_use": True}):
            self._in_use.add(scheme)
        return used

    async def decide_tie(self, scheme: Scheme, version: int) -> bool:
        """
        Note that the tie is decided, and make the rule final; False if the stored rule differs by now.

        Args:
            version: of the closing that lists the standings.
        """
        return await self._mark(scheme, {"in_use": True, "tie_decided": version})

    async def _mark(self, scheme: Scheme, marks: Document) -> bool:
        stored = {"_id": scheme.scheme_id} | _same_rule(_stored(scheme))
        with mongo.outages_named():
            return bool((await self._schemes.update_one(stored, {"$set": marks})).matched_count)

    async def marks(self, scheme_id: str) -> SchemeMarks:
        """What is noted on a scheme."""
        with mongo.outages_named():
            found = await self._schemes.find_one({"_id": scheme_id}, {"in_use": 1, "tie_decided": 1}) or {}
        # True is what an earlier release has noted, which knew only the first version.
        return SchemeMarks(found.get("in_use", False), int(found.get("tie_decided", 0)))

    async def get(self, scheme_id: str) -> Scheme:
        """
        The scheme of this id, also a draft.

        Raises:
            NotFound: there is none.
        """
        return (await self.get_with_tag(scheme_id))[0]

    async def moves_up(self, scheme_id: str) -> str | None:
        """The quiz of a scheme in which the next in rank moves up; None for every other scheme."""
        which: Document = {"_id": scheme_id, "rule.next_in_rank": True}
        with mongo.outages_named():
            found = await self._schemes.find_one(which, {"rule.quiz_id": 1})
        return str(found["rule"]["quiz_id"]) if found else None

    async def get_with_tag(self, scheme_id: str, *, drafts: bool = True) -> tuple[Scheme, str]:
        """
        The scheme of this id, and its tag.

        Raises:
            NotFound: there is none; or it is a draft, and whoever asks may not know of `drafts`.
        """
        with mongo.outages_named():
            document = await self._schemes.find_one({"_id": scheme_id})
        if document is None or (document.get("draft") and not drafts):
            raise _unknown(scheme_id)
        return _scheme(document), _tag(document)

    async def page(self, after: str, limit: int, *, drafts: bool) -> list[Scheme]:
        """Schemes by id, from the one after `after`; with `drafts` those too."""
        which: Document = {"_id": {"$gt": after}} | ({} if drafts else {"draft": {"$ne": True}})
        with mongo.outages_named():
            found = self._schemes.find(which).sort("_id", ASCENDING).limit(limit)
            return list(_readable(await found.to_list(None)))

    async def of_quizzes(self, quiz_ids: Iterable[str]) -> list[Scheme]:
        """The schemes whose rule uses one of these quizzes."""
        return (await self.of_quizzes_and_decided(quiz_ids))[0]

    async def of_quizzes_and_decided(self, quiz_ids: Iterable[str]) -> tuple[list[Scheme], set[str]]:
        """
        The schemes whose rule uses one of these quizzes, and in which of these some results may not count.
        Drafts are left out: they give nothing.

        That is noted on the schemes, so that who issues awards needs no other query to know it.
        """
        with mongo.outages_named():
            found = await self._schemes.find({"rule.quiz_id": {"$in": sorted(set(quiz_ids))}}).to_list(None)
        announced = (one for one in found if not one.get("draft"))
        return list(_readable(announced)), {one["rule"]["quiz_id"] for one in found if one.get(DECIDED)}

    async def note_decided(self, quiz_ids: Iterable[str]) -> None:
        """Note on the schemes of these quizzes that some results may not count."""
        with mongo.outages_named():
            await self._schemes.update_many(
                {"rule.quiz_id": {"$in": sorted(set(quiz_ids))}}, {"$set": {DECIDED: True}}
            )

    async def ids(self) -> list[str]:
        """The ids of all schemes."""
        with mongo.outages_named():
            # Only from the index of ids, without reading the schemes.
            found = await self._schemes.find({}, {"_id": 1}).hint([("_id", ASCENDING)]).to_list(None)
        return [scheme["_id"] for scheme in found]


class Tie(msgspec.Struct, frozen=True):
    """
    A tie that is to be decided.

    Attributes:
        version: of the closing whose list ends within the tie.
        at: not earlier.
        tries: how often awards did not have all results yet.
        after: the place in the results after which the work goes on; None: it begins.
    """

    version: int
    at: datetime
    tries: int = 0
    after: str | None = None


class TieStore:
    """Reads and writes ties; raises Unavailable while the database is away."""

    def __init__(self, database: Database) -> None:
        self._schemes = database["schemes"]

    async def add(self, scheme_ids: Collection[str], tie: Tie) -> None:
        """Let the ties of these schemes be decided; a repeat begins again, which does no harm."""
        with mongo.outages_named():
            await self._schemes.update_many(
                {"_id": {"$in": sorted(scheme_ids)}}, {"$set": {TIE: msgspec.structs.asdict(tie)}}
            )

    async def due(self, now: datetime, after: str, limit: int) -> list[str]:
        """The schemes whose tie is to be looked at now, after this id."""
        which = {"_id": {"$gt": after}, f"{TIE}.at": {"$lte": now}}
        with mongo.outages_named():
            found = self._schemes.find(which, {"_id": 1}).sort("_id", ASCENDING).limit(limit)
            return [one["_id"] for one in await found.to_list(None)]

    async def read(self, scheme_id: str) -> Tie | None:
        """The tie of a scheme that is to be decided, if there is one."""
        with mongo.outages_named():
            found = await self._schemes.find_one({"_id": scheme_id}, {TIE: 1}) or {}
        return msgspec.convert(found[TIE], Tie) if TIE in found else None

    async def go_on(self, scheme_id: str, before: Tie, after: Tie | None) -> None:
        """Note how far it is, None at the end, unless another closing came or another worker was here."""
        which = {"_id": scheme_id, TIE: msgspec.structs.asdict(before)}
        change = {"$unset": {TIE: ""}} if after is None else {"$set": {TIE: msgspec.structs.asdict(after)}}
        with mongo.outages_named():
            await self._schemes.update_one(which, change)


def _readable(documents: Iterable[Document]) -> Iterator[Scheme]:
    """The schemes that can be read. An unreadable one must not stop the awards of the others."""
    for document in documents:
        try:
            yield begun(_scheme(document))
        except (ValidationError, KeyError):
            count_unreadable()
            log.warning("a scheme cannot be read; the others go on", extra={"scheme_id": document["_id"]})


def _scheme(document: Document) -> Scheme:
    return Scheme(
        scheme_id=document["_id"],
        title=document["title"],
        kind=document["kind"],
        rule=document["rule"],
        on_change=document.get("on_change", KEEP),
        issue=document.get("issue", _AT_ONCE),
        draft=document.get("draft", False),
    )


def _stored(scheme: Scheme) -> Document:
    """A scheme without its id. What an earlier release did not have in a rule is stored only if used."""
    document = scheme.model_dump(mode="json", exclude={"scheme_id"})
    for name, unused in _LATER_TERMS.items():
        if document["rule"].get(name) == unused:
            del document["rule"][name]
    return document


def _same_rule(document: Document) -> Document:
    """What finds a scheme with this rule. An earlier release stored no `on_change` and no `issue`."""
    policy = document["on_change"]
    on_change = {"$in": [policy, None]} if policy == KEEP else policy
    issue = {"$in": [_AT_ONCE, None]} if document["issue"] == _AT_ONCE else document["issue"]
    draft = True if document["draft"] else {"$in": [False, None]}
    terms = {"rule": document["rule"], "kind": document["kind"], "on_change": on_change, "issue": issue}
    return terms | {"draft": draft}


def _version(document: Document) -> int:
    return int(document.get("version", 1))


def _tag(document: Document) -> str:
    """The version, and which scheme of this name: one that is made again never has the tag of before."""
    made = document.get("made")
    return f"{_version(document)}-{made}" if made else str(_version(document))


def _as_read(document: Document) -> Document:
    """What finds a scheme that nobody has changed since. None finds what an earlier release lacks."""
    return {"_id": document["_id"], "version": document.get("version"), "made": document.get("made")}


def _check_version(scheme_id: str, found: Document | None, matches: Matching) -> None:
    if not matches(_tag(found) if found else None):
        raise _differs(scheme_id)


def _differs(scheme_id: str) -> Outdated:
    return Outdated(f"scheme {scheme_id} has changed since you read it; read it again", code="scheme_differs")


def _unknown(scheme_id: str) -> NotFound:
    return NotFound(f"there is no scheme {scheme_id}", code="scheme_unknown")


def _in_use(scheme_id: str, so: str) -> Conflict:
    return Conflict(f"scheme {scheme_id} has awards: {so}", code="scheme_in_use")
