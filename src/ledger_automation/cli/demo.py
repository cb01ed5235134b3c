"""``ledger demo``."""


def demo() -> int:
    """Run."""
    return 0
