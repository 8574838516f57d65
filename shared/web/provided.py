"""
A service provides its stores and use cases once, and routes ask for them by type.

    Quizzes = Annotated[QuizStore, provided(QuizStore)]

    @routes.get("/quizzes/{quiz_id}", summary="One quiz")
    async def read_quiz(quiz_id: IdInPath, quizzes: Quizzes) -> QuizOut: ...
"""

from typing import Any

from fastapi import Depends, Request


def provided(kind: type[object]) -> Any:
    """The dependency of a route on the one object of this type that the service provides."""

    # A coroutine, although it waits for nothing: FastAPI would run a plain function in a thread.
    async def find(request: Request) -> object:
        return request.app.state.provided[kind]

    return Depends(find)
