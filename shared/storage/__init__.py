"""
MongoDB. Start with `unit_of_work`: the one way to save state together with its events.

Below it are the `outbox` with its relay, the `lease` that lets only one process at a time relay, and `mongo`,
the only module that imports the driver.
"""
