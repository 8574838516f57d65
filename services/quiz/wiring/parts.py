"""What several rooms need, made once for each process."""

from typing import NamedTuple

from services.quiz.participants.erased import Erased
from services.quiz.quizzes.catalogue import Catalogue
from services.quiz.wiring.stores import Stores
from shared.messaging.publisher import Publisher


class Parts(NamedTuple):
    """The stores, what a process remembers of the erased and of the quizzes, and what it publishes with."""

    stores: Stores
    erased: Erased
    catalogue: Catalogue
    publisher: Publisher
