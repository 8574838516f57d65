# register.py: ask for a place for each person in people.csv.
import asyncio, csv, os

from kepu_events import Contact, Outbox, Sender, events, seal
from kepu_events.faststream import broker, send

hall, outbox = Sender("schools/examination-hall"), Outbox("hall.db")


async def register():
    for row in csv.DictReader(open("people.csv")):
        contact = Contact(name=row["name"], email=row["email"])
        request = events.RegistrationRequested(
            request_id=f"hall-{row['number']}",
            participant_id=hall.id_of(row["number"]),
            session_id=row["session_id"],
            audience="youth",
            contact_sealed=seal(contact, os.environ["KEPU_CONTACT_PUBLIC_KEY"]),
        )
        outbox.add(hall.record(request))
    async with broker() as kafka:
        for records in outbox.waiting():
            await send(records, kafka)
            print(f"asked for {len(records)} places")


asyncio.run(register())
