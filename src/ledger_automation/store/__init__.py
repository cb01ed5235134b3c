"""The only home of SQLModel and SQLAlchemy: tables, migrations, and the unit of work that writes to them."""
