"""
Closing: an organiser may close a quiz early; a worker closes every quiz that is over, with its final
standings.

Start at close.py. saving/log_states.py says if every submission is graded; tell.py publishes the results that
were withheld until now; events.py makes the event; revise.py publishes it again if results change afterwards.
"""
