"""
The standings as they change, sent to many at the same time (shared/web/live/).

Start at rules.py: which changes are told by name. board.py reads the standings of a quiz once for all who
listen, and makes what each of them gets. api.py says who may listen: whoever may read the page.

Another board needs a `read` and frames as board.py has them, and a route as in api.py.
"""
