"""An id that is both in the path and in the body."""

from shared.runtime.errors import Rejected


def check_same_id(in_body: str | None, in_path: str) -> None:
    """
    Check that the body names the same id as the path, or none.

    Raises:
        Rejected: it names another one.
    """
    if in_body not in (None, in_path):
        raise Rejected(f"the path says {in_path} and the body says {in_body}", code="id_differs")
