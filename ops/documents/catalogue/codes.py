"""With which codes each group of ours gives a record up."""

from collections.abc import Mapping

from services.awards.issuing.handlers import DEAD_LETTER_CODES as OF_AWARDS
from services.notifications.messages.handlers import DEAD_LETTER_CODES as OF_NOTIFICATIONS
from services.quiz.grading.handlers import DEAD_LETTER_CODES as OF_GRADING
from services.registration.booking.handlers import DEAD_LETTER_CODES as OF_REQUESTS
from shared.contracts.topics import AWARDS, NOTIFICATIONS, QUIZ_GRADING, QUIZ_SAVING, REGISTRATION_REQUESTS
from shared.messaging.policy import BURIED, CODES_BEFORE_HANDLING, HANDLER_FAILED

OF_ALL = (*CODES_BEFORE_HANDLING, HANDLER_FAILED, BURIED)
OF_GROUP: Mapping[str, tuple[str, ...]] = {
    REGISTRATION_REQUESTS: OF_REQUESTS,
    QUIZ_GRADING: OF_GRADING,
    QUIZ_SAVING: OF_GRADING,
    AWARDS: OF_AWARDS,
    NOTIFICATIONS: OF_NOTIFICATIONS,
}
