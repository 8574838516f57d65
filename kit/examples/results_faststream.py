# results.py: show the places of our people, and their points in the quiz.
import asyncio, csv

from faststream import FastStream
from kepu_events import Seen, Sender, events
from kepu_events.faststream import broker, listens

hall, seen, kafka = Sender("schools/examination-hall"), Seen(), broker()
names = {hall.id_of(row["number"]): row["name"] for row in csv.DictReader(open("people.csv"))}
outcomes = (events.RegistrationConfirmed, events.RegistrationWaitlisted, events.RegistrationRejected)


@listens(kafka, "examination-hall", *outcomes, events.QuizCompleted)
async def show(one):
    if (name := names.get(one.context.subject)) and seen.add(one):
        match one.event:
            case events.QuizCompleted(points=points, points_max=most):
                print(f"{name}: {points:g} of {most:g} points", flush=True)
            case events.RegistrationRejected(code=code):
                print(f"{name}: no place, {code}", flush=True)
            case _:
                print(f"{name}: {type(one.event).topic}, {one.event.activity_title}", flush=True)


asyncio.run(FastStream(kafka).run())
