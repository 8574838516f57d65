"""
The services as processes of this machine, beside the local stack, and the mail server that they send to.

Start with `services.py`.
"""
