"""What it does if a group of ours reads its topics again: all handlers are made for repeats."""

from collections.abc import Mapping

from shared.contracts import topics

EFFECTS: Mapping[str, str] = {
    topics.REGISTRATION_REQUESTS: (
        "Nothing: a command that was answered before is not booked again, and not answered again. A command"
        " whose registration is lost is booked as if it were new."
    ),
    topics.QUIZ_GRADING: (
        "Results and standings that are missing are made again, by the keys of now; those that are there"
        " stay. quiz.completed is published again, with the same ids."
    ),
    topics.QUIZ_SAVING: "Answers saved in open attempts are kept again; the highest revision stays.",
    topics.QUIZ_PARTICIPANTS: (
        "Groups, districts and erasures of participants are kept again; the highest version stays. What"
        " waited for a participant is graded."
    ),
    topics.AWARDS: (
        "Awards that are missing are issued; those that are there stay. award.issued is published again, with"
        " the same ids. What organisers have conferred or revoked is not in its topics."
    ),
    topics.AWARDS_KNOWN: "Participants and quizzes are known again; the highest version stays.",
    topics.AWARDS_ARRIVALS: "Check-ins are known again, in their order.",
    topics.AWARDS_NAMES: (
        "The latest name of everybody is kept again. The topic has only the latest record of each"
        " participant, so always begin at earliest."
    ),
    topics.NOTIFICATIONS: (
        "Messages that are missing are made, those that are there stay. A mail that was sent is not sent"
        " again, as long as its message is stored. If the messages are lost, their mails go out again:"
        " restore the collection messages from a backup first."
    ),
    topics.OVERVIEW: "Each record still counts once. What was lost with the database is counted again.",
}


def effect_of(group: str) -> str:
    """What a replay does in this group."""
    return EFFECTS.get(
        group, "It is a group of another system: its handlers have to expect the same events again."
    )
