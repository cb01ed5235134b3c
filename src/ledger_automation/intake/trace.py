"""What every log format is read as: traces of events in the order of the file, attributes as text."""

from typing import NamedTuple

ACTIVITY = "concept:name"
TIMESTAMP = "time:timestamp"


class LoggedEvent(NamedTuple):
    """One event. ``number`` counts the events of the file from 1, in the order of the file."""

    number: int
    attributes: dict[str, str]


class Trace(NamedTuple):
    """One case of the log: its own attributes, and its events in the order of the file."""

    attributes: dict[str, str]
    events: list[LoggedEvent]
