"""
The commands of `kepu`: options, help texts and what is printed. The work itself is done in the other rooms.

A module for each group: `play.py` (demo, cluster), `week.py` (up, down, audit), `deployment.py` (load, keys,
topics), `stack.py` (stack up, down, status, logs).
"""
