"""
What several rooms need, made once: the stores, what is computed from the secrets, and the use cases that
other rooms call. `app.py` puts the rooms together from it. `leavers.py` lists what people leave behind.
"""
