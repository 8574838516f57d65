"""
Following: awards are compared with the results of now, after a correction, a decision or another closing.

Start with `rules.py`: what the results of now earn, and what that changes in an award. `follow.py` does it in
the background, for everybody who is marked. `api.py` lists what is held and not earned.
"""
