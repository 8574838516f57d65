"""
Live boards: what many look at is read once, encoded once, and sent to all of them by server-sent events.

Start at boards.py. A `Board` says how it is read; what a reading shows, `Shown`, makes frames (frames.py) for
each view. listeners.py bounds who listens, coding.py compresses once for all, and stream.py is the answer
of a route: `EventStream`.
docs/decisions/0071-live-standings.md
"""
