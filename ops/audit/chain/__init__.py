"""
The chain of one award: everything that it follows from, each link with its place in the log.

`kepu audit` says whether the whole week agrees. This room says it of one award, and shows why somebody has
it. Start with `run.py`. `gather.py` reads only what concerns the award; all other modules are pure.
"""
