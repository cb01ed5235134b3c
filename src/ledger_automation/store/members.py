"""Members of the office as rows."""

from typing import Any

from sqlalchemy import Connection, bindparam, select
from sqlalchemy.exc import IntegrityError

from ledger_automation.errors import Conflict
from ledger_automation.orchestrator.asked import Identity, Member
from ledger_automation.store.dialect import dialect
from ledger_automation.store.tables import MemberRow, table

_MEMBER = table(MemberRow)
_ONE = select(_MEMBER.c.actor_id, _MEMBER.c.roles).where(
    _MEMBER.c.issuer == bindparam("issuer"), _MEMBER.c.subject == bindparam("subject")
)


class SqlMembers:
    """Satisfies `orchestrator.asked.MemberStore`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def member(self, identity: Identity) -> Member | None:
        """Read one member."""
        row = self._connection.execute(_ONE, identity._asdict()).one_or_none()
        return known(row.actor_id, row.roles) if row else None

    def members(self) -> list[tuple[Identity, Member]]:
        """Read all members."""
        rows = self._connection.execute(select(_MEMBER).order_by(_MEMBER.c.actor_id))
        return [(Identity(row.issuer, row.subject), known(row.actor_id, row.roles)) for row in rows]

    def enrol(self, identity: Identity, member: Member) -> None:
        """Insert a member, or give it other roles."""
        row: dict[str, Any] = {
            **identity._asdict(), "actor_id": str(member.actor_id), "roles": " ".join(member.roles),
        }  # fmt: skip
        same = (_MEMBER.c.issuer == identity.issuer) & (_MEMBER.c.subject == identity.subject)
        wanted = dialect(self._connection).upsert(_MEMBER).values(row)
        wanted = wanted.on_conflict_do_update(index_elements=["actor_id"], set_={"roles": row["roles"]}, where=same)
        otherwise = Conflict(f"The pseudonym {member.actor_id} or its caller is enrolled otherwise already.")
        try:
            written = self._connection.execute(wanted.returning(_MEMBER.c.actor_id)).all()
        except IntegrityError as error:
            raise otherwise from error
        if not written:
            raise otherwise


def known(actor_id: str, roles: str) -> Member:
    """Read a row's two facts."""
    return Member(actor_id, tuple(roles.split()))
