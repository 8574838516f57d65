# results.py: show the places of our people, and their points in the quiz.
import csv

from kepu_events import Seen, Sender, events
from kepu_events.confluent import listen

hall, seen = Sender("schools/examination-hall"), Seen()
names = {hall.id_of(row["number"]): row["name"] for row in csv.DictReader(open("people.csv"))}
outcomes = (events.RegistrationConfirmed, events.RegistrationWaitlisted, events.RegistrationRejected)
for one in listen("examination-hall", *outcomes, events.QuizCompleted):
    name = names.get(one.context.subject)
    if name is None or not seen.add(one):
        continue
    match one.event:
        case events.QuizCompleted(points=points, points_max=most):
            print(f"{name}: {points:g} of {most:g} points", flush=True)
        case events.RegistrationRejected(code=code):
            print(f"{name}: no place, {code}", flush=True)
        case _:
            print(f"{name}: {type(one.event).topic}, {one.event.activity_title}", flush=True)
