"""Intake: what happened elsewhere becomes commands for the law.

A log (XES or CSV) is read as a stream of traces, a mapping (TOML) says which command each activity stands for, and the
law accepts or refuses each. Nothing here decides: every event of a file is accepted by the workflow, refused by one of
its rules, or ignored by the mapping with a reason in words, and the three counts add up to the file's events.

    log_file.traces(path, mapping)        the file as traces, whatever its format
    commands.commands(traces, mapping)    one `Arrival` per event: a command, a reason to ignore it, or a flaw
"""
