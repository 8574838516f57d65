"""
Following: awards are compared with the results of now, after a correction, a decision or another closing.

Start with `rules.py`: what the results of now earn, and what that changes in an award. `follow.py` does it in
the background, for everybody who is marked, and `preview.py` says before what would change. `facts.py`
reads what both need.
"""
