"""
The demo: a whole week, played by simulated people over HTTP and by another system that only sends events.

Start with `run.py`. `play.py` has the people, `outsider.py` the other system, `refusals.py` the requests that
must be refused.
"""
