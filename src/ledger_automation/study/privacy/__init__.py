"""Whether anything of a person leaves the database: a run over invented people, and a search through all that it shows.

    register      the people, and every text that tells who they are
    town, service a run that feeds those texts into payloads, actors, documents, tokens and requests
    outside       what an outsider can get hold of afterwards: chain, log, receipts, answers, journal, figures, ...
    forms, scan   the texts as they may hide (encodings, digests without a salt), and the search for them
    dictionary    number plates guessed against every value found outside
    linkability   how well an outsider tells which events are of one case, and which are one person's
    audit         all of it, in order

What this does not do: say whether what a receipt tells its holder should be told, or look into what stays within
(database, back-ups, keys: docs/security.md).
"""
