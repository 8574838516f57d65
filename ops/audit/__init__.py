"""
The audit: computes the expected data again from the log, the databases and the promises, and compares.

It trusts no count of a service. Everything that follows from events is computed by separate, slow code, and
compared item by item. Start with `run.py`. Each service has a module with its checks.
"""
