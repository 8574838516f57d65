"""The sources of our services' events: `ce_source` names the sender. Other systems have their own."""

REGISTRATION = "kepu/registration"
QUIZ = "kepu/quiz"
AWARDS = "kepu/awards"
NOTIFICATIONS = "kepu/notifications"
# What operators decide with the command kepu.
OPERATIONS = "kepu/operations"

OURS = frozenset({REGISTRATION, QUIZ, AWARDS, NOTIFICATIONS, OPERATIONS})
