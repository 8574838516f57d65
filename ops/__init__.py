"""
The kepu command, and the tools behind it. Nothing here is part of an image.

`cli.py` puts the commands together and `commands/` holds them. The other rooms do the work: `stack` (Kafka
and MongoDB on this machine), `local` (the services as processes), `deployment` (how to talk to any
deployment), `week` (an organiser's files), `demo`, `chaos`, `kills` (of a demo), `audit`, and `contracts`
(the published schemas).
"""
