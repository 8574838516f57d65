"""A group applies to take part, and an organiser approves or refuses it."""

from services.registration.managers import events, rules
from services.registration.managers.manage import check_verified, grant
from services.registration.managers.rules import APPLICATIONS_OPEN_MAX, Application
from services.registration.managers.store import ManagerStore
from services.registration.participants.put_group import GroupChanges
from services.registration.participants.rules import Group, ParticipantId
from services.registration.participants.store import GroupStore, ParticipantStore
from shared.contracts.origin import Origin
from shared.contracts.sealing import Contact, decrypt_contact, encrypt_contact
from shared.runtime import clock
from shared.runtime.errors import Conflict, NotFound
from shared.runtime.ids import ordered_id
from shared.runtime.keyed_hash import KeyedHash
from shared.storage.mongo import Database
from shared.storage.unit_of_work import UnitOfWork, save_together


class Applications:
    """Takes and decides applications."""

    def __init__(
        self,
        database: Database,
        managers: ManagerStore,
        groups: GroupStore,
        participants: ParticipantStore,
        *,
        changes: GroupChanges,
        keyed_hash: KeyedHash,
    ) -> None:
        self._database = database
        self._managers = managers
        self._groups = groups
        self._participants = participants
        self._changes = changes
        self._hash = keyed_hash

    async def apply(self, wanted: Application, contact: Contact | None) -> Application:
        """
        Apply. While an application of the same name is open, it is the same one, with these data.

        Args:
            wanted: its id and time are given here.

        Raises:
            Conflict: `APPLICATIONS_OPEN_MAX` of this participant are open already.
            NotAuthenticated: the participant is erased or unknown.
            Forbidden: the participant's contact is not verified.
        """
        who = wanted.participant_id

        async def work(unit: UnitOfWork) -> Application:
            await check_verified(unit, self._participants, who)
            opened = await self._managers.open_of(unit, who, APPLICATIONS_OPEN_MAX)
            same = next((one for one in opened if one.name == wanted.name), None)
            if same is None and len(opened) == APPLICATIONS_OPEN_MAX:
                raise Conflict(
                    f"{APPLICATIONS_OPEN_MAX} applications of yours are not decided yet",
                    code="applications_too_many",
                    most=APPLICATIONS_OPEN_MAX,
                )
            now = clock.now()
            key = (await self._participants.keys(unit, [who])).get(who)
            application = Application(
                application_id=same.application_id if same else ordered_id(now),
                participant_id=who,
                name=wanted.name,
                kind=wanted.kind,
                district=wanted.district,
                language=wanted.language,
                asked_at=same.asked_at if same else now,
                version=same.version + 1 if same else 1,
                changed_at=now if same else None,
                contact_locked=encrypt_contact(contact, key) if contact and key else None,
            )
            await self._managers.save_application(unit, application)
            return application

        return await save_together(self._database, work)

    async def approve(
        self, application_id: str, group_id: str, origin: Origin, *, version: int, existing: bool
    ) -> Application:
        """
        Approve an application: its group exists, and the applicant manages it.

        Args:
            group_id: of the new group; or of the one that is there, whose data stay as they are.
            version: of the application that the organiser has looked at.
            existing: that such a group has to be there. It says that the organiser means it.

        Raises:
            NotFound: there is no such application, or no such group.
            Conflict: it was decided in another way, there is such a group, or the id is a person's.
            Forbidden: the applicant's contact is not verified.
            Outdated: the applicant has changed it meanwhile.
        """

        async def work(unit: UnitOfWork) -> Application:
            application = await self._read(unit, application_id)
            now = clock.now()
            after = rules.approved(application, group_id, now, version=version)
            if after == application:
                return application
            await check_verified(unit, self._participants, application.participant_id)
            await self._make_group(unit, application, group_id, origin, existing=existing)
            await grant(unit, self._managers, group_id, application.participant_id, now)
            await self._managers.save_application(unit, after)
            unit.publish(events.decided(after, origin, now))
            return after

        return await save_together(self._database, work)

    async def refuse(
        self, application_id: str, reason: str, origin: Origin, *, version: int | None = None
    ) -> Application:
        """
        Refuse an application; the applicant is told the reason.

        Args:
            version: of the application that the organiser has looked at; None: whatever it says now.

        Raises:
            NotFound: there is no such application.
            Conflict: it was decided in another way.
            Outdated: the applicant has changed it meanwhile.
        """

        async def work(unit: UnitOfWork) -> Application:
            application = await self._read(unit, application_id)
            now = clock.now()
            after = rules.refused(application, reason, now, version=version)
            if after == application:
                return application
            await self._managers.save_application(unit, after)
            unit.publish(events.decided(after, origin, now))
            return after

        return await save_together(self._database, work)

    async def _read(self, unit: UnitOfWork, application_id: str) -> Application:
        application = await self._managers.lock_application(unit, application_id)
        if application is None:
            raise NotFound(f"there is no application {application_id}", code="application_unknown")
        return application

    async def _make_group(
        self, unit: UnitOfWork, application: Application, group_id: str, origin: Origin, *, existing: bool
    ) -> None:
        found = await self._groups.read_in(unit, group_id)
        if existing:
            if found is None:
                raise NotFound(f"there is no group {group_id}", code="group_unknown", group_id=group_id)
            await self._participants.lock(unit, [group_id])
            return
        if found is not None:
            raise Conflict(f"there is a group {group_id}", code="group_exists", group_id=group_id)
        contact = await self._contact(unit, application)
        group = Group(
            group_id=group_id,
            name=application.name,
            kind=application.kind,
            district=application.district,
            language=application.language,
            contact_fingerprint=self._hash.of(contact.model_dump_json().encode()) if contact else None,
        )
        await self._changes.put_in(unit, group, contact, origin)

    async def _contact(self, unit: UnitOfWork, application: Application) -> Contact | None:
        """The group's contact. It was encrypted with the applicant's key, and the group gets its own."""
        who: ParticipantId = application.participant_id
        key = (await self._participants.keys(unit, [who])).get(who)
        if application.contact_locked is None or key is None:
            return None
        return decrypt_contact(application.contact_locked, key, private_key="")
