"""What tests of the close ask."""

from tests.quiz.parts import Parts


async def is_closed(parts: Parts) -> bool:
    """True if the standings of the quiz are final."""
    record = await parts.stores.quizzes.read(parts.quiz_id)
    return record is not None and record.status == "closed"
