"""
Awarding ceremonies: in which order awards are called, who is there, and which awards were handed over.

Start with `rules.py`. `script.py` makes the running order from what holds now, `page.py` the slides for the
hall, `hand_over.py` notes what happened. `arrivals.py` keeps who was checked in, from events.
"""
