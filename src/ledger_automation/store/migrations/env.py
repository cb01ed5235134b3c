"""Alembic's entry: runs migrations on the connection that `store.engine.migrate` hands over."""

from alembic import context
from sqlmodel import SQLModel

from ledger_automation.store import tables

assert tables.EventRow.__tablename__ == "event"  # noqa: S101  the import is what registers the tables

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=SQLModel.metadata, transaction_per_migration=False)
context.run_migrations()
