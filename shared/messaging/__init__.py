"""
Records to and from Kafka. Start with `policy`, which has the numbers, and `consumer`, which has the steps.

The life of a record:

1. `publisher` writes the record; all replicas acknowledge it. Many callers share a write by `group_commit`.
   `fair_commit` does the same where one sender's thousands must not keep the others waiting.
2. `reading` polls. The records of one poll are a batch. `fetched` and `batches` bound its bytes, and mark the
   records that cannot be read. `membership` keeps this process's place in its group.
3. `decoding` turns each record into an event. A wrong record becomes a dead letter. The others go on.
4. `settling` gives the batch to the group's handler, and publishes the events that the handler returns.
5. If a server is away, settling waits until it is back. If the handler fails, settling tries the batch again.
6. If the handler still fails, settling splits the batch in halves until only the poison record is left. It
   becomes a dead letter.
7. `dead_letters` writes dead letters to `<topic>.<group>.dead`, with the reason and the place in the log.
8. `consumer` commits. If our own handler fails too often, the consumer stops instead and commits nothing.
   After any other error it starts again by itself.

How long a topic keeps its records, and who reads it, is in shared/contracts/topics.py.
`create_topics` creates the topics.
"""
