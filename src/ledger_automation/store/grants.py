"""Who may do what on PostgreSQL: three roles without a login, which an administrator grants to whoever logs in.

    ledger_application   writes cases and everything that moves; adds to the history, and can change nothing of it
    ledger_erasure       destroys content and attachments, on somebody's right to be forgotten, and nothing else
    ledger_auditor       reads

None owns a table, so none can drop a trigger. This stops a program and its keys to the database, never the owner or a
superuser: that is what the verifier is for. SQLite has no roles; its file's permissions are the administrator's.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import ProgrammingError

from ledger_automation.errors import Misconfigured

APPLICATION: Final = "ledger_application"
ERASURE: Final = "ledger_erasure"
AUDITOR: Final = "ledger_auditor"

HISTORY: Final = ("event", "leaf", "node", "checkpoint")
ERASABLE: Final = ("content", "attachment")
_MOVING: Final = ("case", "submission", "alarm", "intake_run", "member")
_GROWING: Final = ("party", "audit_run", "cosignature")
_PASSING: Final = ("held_step", "answer", "upload", "webhook", "map_tile", "session", "passkey")
_SEQUENCES: Final = ("event_id_seq", "alarm_id_seq", "audit_run_id_seq")
_EVERYTHING: Final = (*HISTORY, *ERASABLE, *_MOVING, *_GROWING, *_PASSING, "alembic_version")

GRANTS: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = MappingProxyType(
    {
        APPLICATION: {
            "SELECT": _EVERYTHING,
            "INSERT": (*HISTORY, *ERASABLE, *_MOVING, *_GROWING, *_PASSING),
            "UPDATE": (*_MOVING, *_PASSING),
            "DELETE": _PASSING,
        },
        ERASURE: {"SELECT": ("event", *ERASABLE, "alembic_version"), "DELETE": ERASABLE},
        AUDITOR: {"SELECT": _EVERYTHING},
    }
)
"""By role and privilege: the tables."""

DOES: Final[Mapping[str, str]] = MappingProxyType(
    {
        APPLICATION: "writes cases and adds to the history",
        ERASURE: "destroys content and attachments",
        AUDITOR: "reads",
    }
)
"""What each role is for, in words."""

_KNOWN: Final = text("SELECT rolname FROM pg_roles WHERE rolname = ANY(:names)")
_OWNED: Final = text("SELECT pg_has_role(relowner, 'USAGE') FROM pg_class WHERE oid = 'event'::regclass")
_THERE: Final = text("SELECT relname FROM pg_class WHERE relnamespace = current_schema()::regnamespace")


def grant(engine: Engine) -> dict[str, str]:
    """Make the roles where they are missing, and give each what it needs and no more; returns what each may do.

    Raises Misconfigured for a database without roles, and for whoever does not own the tables.
    """
    if engine.dialect.name != "postgresql":
        raise Misconfigured("Only PostgreSQL has roles; who may read and write an SQLite file, its permissions say.")
    try:
        with engine.begin() as connection:
            _grant(connection)
    except ProgrammingError as error:
        raise Misconfigured(f"The roles cannot be made: {str(error.orig).splitlines()[0]}.") from error
    return dict(DOES)


def _grant(connection: Connection) -> None:
    if not connection.execute(_OWNED).scalar_one():  # a grant by anybody else is a warning, and grants nothing
        raise Misconfigured("Only the owner of the tables gives the roles what they need.")
    known = set(connection.execute(_KNOWN, {"names": list(GRANTS)}).scalars())
    for role in GRANTS.keys() - known:
        connection.exec_driver_sql(f"CREATE ROLE {role} NOLOGIN")
    grant_to_known_roles(connection)


def grant_to_known_roles(connection: Connection) -> None:
    """Grant anew to those roles that there are: after a migration there may be tables that nobody was given."""
    tables = set(connection.execute(_THERE).scalars())
    roles = sorted(connection.execute(_KNOWN, {"names": list(GRANTS)}).scalars())
    for role in roles:
        for name in sorted(tables & set(_EVERYTHING)):
            connection.exec_driver_sql(f'REVOKE ALL ON "{name}" FROM {role}')
        for privilege, names in GRANTS[role].items():
            for name in sorted(tables & set(names)):
                connection.exec_driver_sql(f'GRANT {privilege} ON "{name}" TO {role}')
    for name in sorted(tables & set(_SEQUENCES)) if APPLICATION in roles else ():
        connection.exec_driver_sql(f"GRANT USAGE ON SEQUENCE {name} TO {APPLICATION}")
