"""The sources of our services' events: what `ce_source` says of the sender. Other systems have their own."""

REGISTRATION = "kepu/registration"
QUIZ = "kepu/quiz"
AWARDS = "kepu/awards"
NOTIFICATIONS = "kepu/notifications"

OURS = frozenset({REGISTRATION, QUIZ, AWARDS, NOTIFICATIONS})
