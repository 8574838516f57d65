"""Which ids are refused: unknown ids, and erased people. All functions are pure."""

from shared.runtime.errors import Conflict, NotAuthenticated, NotFound


def check_recipient(recipient_id: str, *, known: bool, erased: bool) -> None:
    """
    Check that an organiser may give an award to this participant or group.

    Raises:
        NotFound: awards does not know them (yet).
        Conflict: they were erased.
    """
    if not known:
        raise NotFound(
            f"there is no participant or group {recipient_id}; if it has only just registered, "
            "try again in a moment",
            code="recipient_unknown",
        )
    if erased:
        raise Conflict(f"participant {recipient_id} was erased", code="participant_erased")


def check_quiz(quiz_id: str, *, known: bool, cancelled: bool = False) -> None:
    """
    Check that a scheme may use this quiz.

    Raises:
        NotFound: awards does not know it (yet).
        Conflict: it was cancelled.
    """
    if cancelled:
        raise Conflict(f"quiz {quiz_id} was cancelled: there are no awards by it", code="quiz_cancelled")
    if not known:
        raise NotFound(
            f"there is no quiz {quiz_id}; if it was published only just now, try again in a moment",
            code="quiz_unknown",
        )


def check_token(*, erased: bool) -> None:
    """
    Check that a participant may still use a good token.

    Raises:
        NotAuthenticated: they were erased.
    """
    if erased:
        raise NotAuthenticated("this participant was erased", code="participant_erased")
