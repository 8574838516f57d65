"""
Answers are saved while an attempt is under way, and can be read back on another device.

Start at rules.py, then save.py, which writes a save to the log, handlers.py, which keeps the latest one, and
hot.py, which declares the two requests.
"""
