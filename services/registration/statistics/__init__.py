"""
Statistics of an activity: how many registered, wait, came, or stayed away; by session, audience and district.

They count what is stored now, and hold no ids of people. Read `store.py`.
"""
