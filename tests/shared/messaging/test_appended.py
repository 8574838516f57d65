"""Who waits for a write may ask when its records were appended."""

from types import SimpleNamespace

from shared.messaging.appended import note, when_appended


async def test_the_first_and_the_last_moment_of_all_batches_are_told() -> None:
    async def write(*moments: int) -> None:
        note(SimpleNamespace(timestamp=moment) for moment in moments)

    assert await when_appended(write(7, 5, 9)) == (5, 9)
    # The sender's times say nothing of the broker.
    assert await when_appended(write(7, -1)) is None
    assert await when_appended(write()) is None
    # Nobody asks.
    await write(7)
