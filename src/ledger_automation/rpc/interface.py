"""A contract's ABI at work: calls encoded, answers and custom errors decoded. Bytes in, bytes out; no node is asked.

web3's contract objects do the same and more, at ten times the cost for a call, and their errors differ by provider.
Bytes are shown as 0x hex in decoded errors, addresses with their checksum (ERC-55): they end up in sentences.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from eth_abi.abi import decode, encode
from eth_abi.exceptions import DecodingError, EncodingError
from eth_typing import ChecksumAddress
from eth_utils.abi import (
    event_abi_to_log_topic,
    function_abi_to_4byte_selector,
    get_abi_input_names,
    get_abi_input_types,
    get_abi_output_types,
)
from eth_utils.address import is_hex_address, to_checksum_address

from ledger_automation.errors import InvalidValue, Misconfigured

# Solidity's own two errors, in no contract's ABI: a failed `require` with a text, and a panic (overflow, bounds).
_BUILT_IN: Final[tuple[dict[str, Any], ...]] = (
    {"type": "error", "name": "Error", "inputs": [{"name": "message", "type": "string"}]},
    {"type": "error", "name": "Panic", "inputs": [{"name": "code", "type": "uint256"}]},
)


def checksummed(address: str) -> ChecksumAddress:
    """Return an address with its checksum; raises InvalidValue for what is none or has a wrong one."""
    if is_hex_address(address) and address in {address.lower(), to_checksum_address(address)}:
        return to_checksum_address(address)
    raise InvalidValue("An address", address, "20 bytes in 0x hex, in lower case or with its checksum (ERC-55)")


class Interface:
    """The functions, events and errors of one contract, by name and by selector."""

    def __init__(self, abi: Sequence[Mapping[str, Any]]) -> None:
        entries: list[Any] = [*abi, *_BUILT_IN]
        self._functions = {entry["name"]: entry for entry in entries if entry["type"] == "function"}
        self._events = {entry["name"]: entry for entry in entries if entry["type"] == "event"}
        # Errors are selected as functions are, by the first four bytes of their signature's keccak-256.
        errors = [{**entry, "type": "function"} for entry in entries if entry["type"] == "error"]
        self._errors: dict[bytes, Any] = {function_abi_to_4byte_selector(entry): entry for entry in errors}  # type: ignore[arg-type]

    def encode(self, function: str, arguments: Sequence[object]) -> bytes:
        """Encode a call; raises InvalidValue for an argument that its type does not hold."""
        entry = self._functions[function]
        try:
            return function_abi_to_4byte_selector(entry) + encode(get_abi_input_types(entry), arguments)
        except EncodingError as error:
            raise InvalidValue(
                f"An argument of {function}", arguments, ", ".join(get_abi_input_types(entry))
            ) from error

    def decode(self, function: str, answer: bytes) -> tuple[Any, ...]:
        """Decode what a function returned; raises Misconfigured for the answer of something else."""
        try:
            return decode(get_abi_output_types(self._functions[function]), answer)
        except DecodingError as error:
            raise Misconfigured(
                f"The contract does not answer {function} as it should; another contract, or none, is at its address.",
                function=function,
                answer=f"0x{answer.hex()}",
            ) from error

    def error(self, data: bytes) -> tuple[str, dict[str, Any]]:
        """Name the custom error in a revert's data, and its arguments."""
        entry = self._errors.get(data[:4])
        if entry is None:
            return "UnknownError", {"data": f"0x{data.hex()}"}
        types = get_abi_input_types(entry)
        try:
            values = decode(types, data[4:])
        except DecodingError:
            return "UnknownError", {"data": f"0x{data.hex()}"}
        shown = [_shown(kind, value) for kind, value in zip(types, values, strict=True)]
        names = [name or "" for name in get_abi_input_names(entry)]
        return entry["name"], dict(zip(names, shown, strict=True))

    def topic(self, event: str) -> bytes:
        """Return an event's first topic, the keccak-256 of its signature."""
        return event_abi_to_log_topic(self._events[event])

    def data(self, event: str, octets: bytes) -> tuple[Any, ...]:
        """Decode what an event carries beside its topics; raises Misconfigured for the event of something else."""
        kinds = [each["type"] for each in self._events[event]["inputs"] if not each["indexed"]]
        try:
            return decode(kinds, octets)
        except DecodingError as error:
            raise Misconfigured(f"The contract does not report {event} as it should.", event=event) from error


def _shown(kind: str, value: Any) -> Any:
    if kind == "address":
        return to_checksum_address(value)
    return f"0x{value.hex()}" if isinstance(value, bytes) else value
