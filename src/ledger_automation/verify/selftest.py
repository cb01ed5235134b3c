def selftest() -> None:
    """X."""
