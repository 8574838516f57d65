"""
A group reads a part of its topics again: to make a projection again, or to fill a new service.

`plan.py` decides where each partition begins, `offsets.py` asks Kafka and tells it, `effects.py` says what a
replay does in each group of ours.
"""
