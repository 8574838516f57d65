"""
The audit: computes again what should be there, from the log, the databases and the promises, and compares.

It trusts no count of a service. Whatever follows from events is computed by code of its own, slowly, and
compared item by item. Start with `run.py`. Each service has a module: what is checked of it.
"""
