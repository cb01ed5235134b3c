"""Reading a form that was posted (application/x-www-form-urlencoded), of bounded size and number of fields."""

from typing import Final
from urllib.parse import parse_qs

from starlette.requests import Request

from ledger_automation.errors import InvalidInput

SHORT: Final = 4_096
LONG: Final = 262_144
"""Octets of a form with words in it: a few texts of 4,000 characters, each up to nine octets as it is sent."""

_MOST_FIELDS: Final = 1_000


async def posted(request: Request, longest: int = SHORT) -> dict[str, str]:
    """Return the fields, the first of each name; raises InvalidInput for what is longer, or no form."""
    octets = bytearray()
    async for part in request.stream():
        octets += part
        if len(octets) > longest:
            raise InvalidInput(f"A form has at most {longest} octets.")
    try:
        fields = parse_qs(octets.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=_MOST_FIELDS)
    except ValueError as error:
        raise InvalidInput("What was sent is no form.") from error
    return {name: values[0] for name, values in fields.items()}
