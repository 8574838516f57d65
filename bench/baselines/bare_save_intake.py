"""The least that a save must do: `bare_intake`, with the window of the group commit that saves have."""

from bench.baselines.bare_intake import BareIntake
from bench.baselines.clients import Record, producer, serve
from services.quiz.saving.save import SAVES_WAITING_MAX, SAVES_WINDOW_SECONDS
from shared.messaging.group_commit import GroupCommit


class BareSave(BareIntake):
    """PUT /attempts/{attempt_id}/answers."""

    async def open(self) -> None:
        """Connect."""
        self._producer = producer()
        await self._producer.start()
        self._log: GroupCommit[Record, None] = GroupCommit(
            "bare",
            self._append,
            items_max=SAVES_WAITING_MAX,
            waiting_max=SAVES_WAITING_MAX,
            window_seconds=SAVES_WINDOW_SECONDS,
        )


if __name__ == "__main__":
    serve(BareSave())
