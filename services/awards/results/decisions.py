"""
Decisions about participants in MongoDB: who was disqualified in a quiz, wholly or with single results.

decisions   One document for each quiz and participant about whom something was decided: the highest version.
            Its id is "quiz/participant". Kept until the participant is erased.
"""

from collections.abc import Collection, Iterable, Sequence

from services.awards.results.rules import Decision
from shared.storage import mongo
from shared.storage.mongo import ASCENDING, Database, Document, DuplicateKeyError


class DecisionStore:
    """What was decided about participants of quizzes."""

    def __init__(self, database: Database) -> None:
        self._decisions = database["decisions"]

    async def prepare(self) -> None:
        """Create the indexes: to find a quiz's decisions, and those about an erased participant."""
        with mongo.outages_named():
            await self._decisions.create_index([("quiz_id", ASCENDING)])
            await self._decisions.create_index([("participant_id", ASCENDING)])

    async def keep(self, decisions: Sequence[Decision]) -> None:
        """Keep these decisions; the highest version of a quiz and participant stays."""
        for decision in decisions:
            older: Document = {
                "_id": place_of(decision.quiz_id, decision.participant_id),
                "version": {"$lt": decision.version},
            }
            change: Document = {
                "quiz_id": decision.quiz_id,
                "participant_id": decision.participant_id,
                "version": decision.version,
                "disqualified": decision.disqualified,
                "result_ids": sorted(decision.result_ids),
            }
            with mongo.outages_named():
                try:
                    await self._decisions.update_one(older, {"$set": change}, upsert=True)
                except DuplicateKeyError:
                    # One is there. It may be a lower version that another process has stored just now.
                    await self._decisions.update_one(older, {"$set": change})

    async def about(self, whom: Iterable[tuple[str, str]]) -> dict[tuple[str, str], Decision]:
        """The decisions about these quizzes and participants, by both."""
        with mongo.outages_named():
            these = {"_id": {"$in": [place_of(*one) for one in set(whom)]}}
            found = await self._decisions.find(these).to_list(None)
        return {(one["quiz_id"], one["participant_id"]): _decision(one) for one in found}

    async def of_quiz(self, quiz_id: str) -> dict[str, Decision]:
        """Everything that was decided about participants of this quiz, by participant."""
        with mongo.outages_named():
            found = await self._decisions.find({"quiz_id": quiz_id}).to_list(None)
        return {one["participant_id"]: _decision(one) for one in found}

    async def has_some(self, quiz_id: str) -> bool:
        """True if something was decided about a participant of this quiz."""
        with mongo.outages_named():
            return await self._decisions.find_one({"quiz_id": quiz_id}, {"_id": 1}) is not None

    async def forget(self, participant_ids: Collection[str]) -> None:
        """Delete what was decided about these participants."""
        with mongo.outages_named():
            await self._decisions.delete_many({"participant_id": {"$in": list(participant_ids)}})


def place_of(quiz_id: str, participant_id: str) -> str:
    """The id of what is stored about a participant of a quiz. No id contains "/"."""
    return f"{quiz_id}/{participant_id}"


def _decision(document: Document) -> Decision:
    return Decision(
        document["quiz_id"],
        document["participant_id"],
        document["version"],
        document["disqualified"],
        frozenset(document["result_ids"]),
    )
