"""
Events as people explore them: `kepu listen` shows them as they come, `kepu emit` writes one.

`choose.py` finds contracts and topics by what people call them, `follow.py` reads, `heard.py` says what a
record is, `show.py` prints it. `compose.py` makes a record of what somebody gave, `send.py` writes it.
"""
