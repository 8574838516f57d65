"""
What services keep of the events of others is made again from the log, beside the live one, and compared.

`projections.py` lists what is compared, `run.py` does it: the services' own handlers (`wired.py`) read the
log (`feed.py`) into scratch databases; `compared.py` finds and `report.py` prints what differs.
"""
