"""The one rounding rule for money: commercial rounding, half up to the cent (DIN 1333), in integers only.

>>> share_of(183_416_998, 1_000)      # 10 % of 1,834,169.98 EUR is 183,416.998 EUR
18341700
>>> share_of(5, 1_000), share_of(4, 1_000)
(1, 0)
"""

from typing import Final

WHOLE: Final = 10_000
"""100 % in basis points."""


def share_of(cents: int, basis_points: int) -> int:
    """Return a share of an amount, rounded half up to the cent. Requires both not to be negative."""
    if cents < 0 or basis_points < 0:
        raise ValueError("commercial rounding is defined here for amounts and rates that are not negative")
    return (cents * basis_points + WHOLE // 2) // WHOLE
