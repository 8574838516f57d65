"""
What services say to each other and to other systems.

Start with `events`: every event with its fields. `topics` has the partitions, retention and readers of each
topic, `sources` the senders, `envelope` the headers, `traces` the trace in them, `checked` the types of
fields, and `sealing` encrypts personal data. The command in ops/contracts writes the folder contracts/ from
all this.
"""
