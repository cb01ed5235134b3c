"""A log on disk, whatever its format: its traces, and the cheap first pass that counts its activities."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from ledger_automation.intake import csv_log, xes
from ledger_automation.intake.mapping import Mapping
from ledger_automation.intake.trace import Trace


def traces(path: Path, mapping: Mapping) -> Iterator[Trace]:
    """Yield the traces of a log: CSV if the mapping names columns, else XES; raises UnreadableFile."""
    if mapping.csv is None:
        return xes.traces(path)
    columns = csv_log.Columns(mapping.csv.case, mapping.csv.activity, mapping.csv.timestamp, mapping.csv.delimiter)
    return csv_log.traces(path, columns)


def survey(path: Path, mapping: Mapping) -> Counter[str]:
    """Count the activities of a log before anything is written.

    Raises UnreadableFile for a file that breaks off anywhere, and UnmappedActivities with every activity that the
    mapping does not know: an import that would stop half-way never starts.
    """
    counts: Counter[str] = Counter()
    for trace in traces(path, mapping):
        counts.update(event.attributes.get(mapping.activity, "") for event in trace.events)
    mapping.check_activities(counts)
    return counts
