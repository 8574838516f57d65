"""
Booking: asking for places, waiting for them, moving up, giving them back.

Requests over HTTP (`hot.py`) and commands of other systems (`handlers.py`) are decided together, in batches
(docs/decisions/0007-booking.md). Read `rules.py`, `batch.py`, `book.py`, `promote.py`
and `cancel.py`, in this order.
"""
