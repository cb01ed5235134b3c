"""A published log, opened by its place: a folder, or the URL that a file server shows one under.

    >>> with open_log("/srv/www/log") as fetch:  # doctest: +SKIP
    ...     fetch("checkpoint")

What comes back is what lies there, cut off behind the largest thing that a log has (`LARGEST`): nothing is believed
here, and whoever reads on finds what is too long to be of the wrong length. What this does not do: write
(`orchestrator.publish`).
"""

from ledger_automation.published.place import LARGEST, open_log

__all__ = ["LARGEST", "open_log"]
