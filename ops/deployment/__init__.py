"""
One deployment of Kepu Week, on any machine: its addresses, its keys, its databases, a client for its APIs.

Start with `description.py`: everything that talks to running services takes a `Deployment` or its `Apis`.
"""
