"""
Sending: deliveries that are due are signed and posted, each endpoint in a lane of its own.

Start with `rules.py`: what an answer means, and when a delivery is tried again. `egress.py` says which
addresses may be reached, and `sender.py` is the loop.
"""
