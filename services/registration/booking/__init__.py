"""
Booking: asking for places, waiting for them, moving up, giving them back.

Requests over HTTP (`hot.py`) and commands of other systems (`handlers.py`) are decided together, in batches
(docs/decisions/0007-booking.md). Read `gather.py` (requests become batches), `book.py` (a transaction for
each batch), `batch.py` (each request of a batch), `admission.py` and `rules.py` (who gets a place),
`waiting_list.py` (who is next), `promote.py`, `confirm.py`, `cancel.py`, and `expire.py` and `last_word.py`
(places and waits whose time is over).
"""
