"""
The audit: what should be there, recomputed from the log, the databases and the promises, against what is.

It trusts no service's own count. What follows from events is computed again, slowly
and by its own code, and compared item by item.
"""
