"""``python -m ledger_automation.worker worker`` or ``... beat``: Celery's command line, our application and journal."""

import sys

from celery.signals import setup_logging  # type: ignore[import-untyped]

from ledger_automation.errors import LedgerError
from ledger_automation.journal import open_journal
from ledger_automation.settings import read_settings
from ledger_automation.worker.app import create

if __name__ == "__main__":
    setup_logging.connect(lambda **_: open_journal(), weak=False)  # who answers this is who decides how it is logged
    try:
        create(read_settings()).start(sys.argv[1:])
    except LedgerError as error:
        sys.exit(error.sentence)
