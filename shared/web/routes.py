"""The routes of a room."""

from fastapi import APIRouter


class Routes(APIRouter):
    """
    Routes of which each is analysed once, and not once more by each app (shared/service.py adds them).

    Args:
        tags: the section of the OpenAPI document.
    """

    def __init__(self, *, tags: list[str]) -> None:
        # A body without a content type counts as JSON, as on hot routes. The gate refuses other types.
        super().__init__(tags=[*tags], strict_content_type=False)
