"""What an outsider needs to check evidence: policy, sources, verdicts; no I/O of its own."""
