"""A witness (C2SP tlog-witness): it cosigns a log's checkpoint only where that extends all it ever cosigned before."""
