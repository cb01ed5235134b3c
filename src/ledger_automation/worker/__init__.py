"""Background work, by Celery's workers or in the threads of one process; the only place that knows a broker."""
