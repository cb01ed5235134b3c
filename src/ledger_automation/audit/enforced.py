"""An enforced step in its contract's words: what the actor signs, what the relayer brings along, where it leads.

The formats are those of ``contracts/interfaces/ICaseLedger.sol`` (docs/spec/enforced.md):

    case key     the first 16 bytes of the commitment of the case's first step
    commitment   SHA-256(salt . canonical event), the event without its signature: it is what is signed
    terms        moment, deadline, member, sequence, action, role and two counts, in one word
    facts        what the law remembers, the first word being link (192 bits) | moment of the last step (64 bits)
    link         the top of keccak-256(keccak-256(previous head . commitment) . what is signed of the terms)
    head         the top 216 bits of keccak-256(facts): one word that commits to the whole past of the case
    digest       EIP-712 over all of it, for one contract on one chain

So whoever knows a case's events can compute its head and hold it against the contract's one word.

What this does not do: it signs nothing and asks no chain. The log's commitment of a signed event is another one, over
the event with its signature; the two share their salt.
"""

import hashlib
import hmac
from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, NamedTuple

import msgspec
from coincurve import PublicKey

from ledger_automation.errors import InvalidValue
from ledger_automation.workflows._enforcement import Names, Word, keccak256, moment, pack
from ledger_automation.workflows._machine import Workflow
from ledger_automation.workflows._table import ROLES, Case, Step

HEAD_BITS: Final = 216
KEY_BYTES: Final = 16
_LOW: Final = 256 - HEAD_BITS
_WORD_BYTES: Final = 32
_MOMENT_BITS: Final = 64
_SIGNED_BITS: Final = 208
_ADDRESS_BYTES: Final = 20
_RECOVERABLE_BYTES: Final = 65
_FIRST_PARITY: Final = 27

_DOMAIN: Final = b"EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
_STEP: Final = (
    b"Step(bytes16 caseKey,bytes32 commitment,uint64 moment,uint64 deadline,uint32 sequence,uint32 member,"
    b"uint8 action,uint8 role,bytes32 previousHead,uint256[] arguments)"
)


HexWord = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
"""A word as an event keeps it."""

Number = Annotated[int, msgspec.Meta(ge=1, lt=1 << 32)]
"""A member's number on chain."""


class Domain(NamedTuple):
    """Where a signature counts: one workflow's contract (20 bytes) on one chain, and nowhere else."""

    workflow: str
    chain_id: int
    contract: bytes

    def separator(self) -> bytes:
        """Return EIP-712's domain separator."""
        name = keccak256(f"ledger-automation/{self.workflow}".encode())
        contract = self.contract.rjust(_WORD_BYTES, b"\0")
        return keccak256(keccak256(_DOMAIN) + name + keccak256(b"1") + _octets(self.chain_id) + contract)


class Link(NamedTuple):
    """Where a case stands on chain: its key, its head, and the facts that lead to it. A case not open has none."""

    case_key: bytes = b""
    head: Word = 0
    facts: tuple[Word, ...] = ()


class EnforcedStep(NamedTuple):
    """One step as its actor signs it, and where the case stood before it."""

    before: Link
    commitment: bytes
    terms: Word
    arguments: tuple[Word, ...]

    @property
    def case_key(self) -> bytes:
        """The case."""
        return self.before.case_key or self.commitment[:KEY_BYTES]

    @property
    def moment(self) -> Word:
        """When it happened, in microseconds since 1970."""
        return _field(self.terms, 0, _MOMENT_BITS)

    def digest(self, domain: Domain) -> bytes:
        """Return what the actor signs."""
        small = (_field(self.terms, *place) for place in _SIGNED)
        content = (
            keccak256(_STEP),
            self.case_key.ljust(_WORD_BYTES, b"\0"),
            self.commitment,
            *map(_octets, small),
            _octets(self.before.head),
            keccak256(b"".join(map(_octets, self.arguments))),
        )
        return keccak256(b"\x19\x01" + domain.separator() + keccak256(b"".join(content)))

    def witness(self, signature: bytes) -> bytes:
        """Return what the relayer brings along: facts, arguments, signature."""
        return b"".join(map(_octets, (*self.before.facts, *self.arguments))) + signature

    def after(self, facts: tuple[Word, ...]) -> Link:
        """Return where the case stands afterwards. ``facts`` is what its law then remembers, without the first word."""
        signed = _octets(_field(self.terms, 0, _SIGNED_BITS))
        past = int.from_bytes(keccak256(keccak256(_octets(self.before.head) + self.commitment) + signed), "big")
        known = ((past >> _MOMENT_BITS << _MOMENT_BITS) | self.moment, *facts)
        head = int.from_bytes(keccak256(b"".join(map(_octets, known))), "big") >> _LOW << _LOW
        return Link(self.case_key, head, known)


class ActorSignature(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an enforced event keeps of its signature: all that is needed to check it again. Numbers and bytes are hex.

    ``signer`` is an address, or a verifier's address and a key (ERC-7913); ``signer_kind`` says whether the signature
    leads to it by itself (``key``), or whether only a contract can tell (``contract``: a wallet, a passkey);
    ``contract`` is an address in lower case; ``facts`` is what the law remembers after the step, without the first
    word; ``members`` are the numbers of everybody whom step and facts name. With them a stranger, who cannot turn a
    pseudonym into a number, can still compute every signed word and the head, and ask the contract.
    """

    chain_id: Annotated[int, msgspec.Meta(ge=0)]
    contract: Annotated[str, msgspec.Meta(pattern="^0x[0-9a-f]{40}$")]
    case_key: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{32}$")]
    commitment: HexWord
    previous_head: HexWord
    terms: HexWord
    arguments: tuple[HexWord, ...]
    facts: tuple[HexWord, ...]
    members: dict[str, Number]
    signer_kind: Literal["key", "contract"]
    signer: Annotated[str, msgspec.Meta(pattern="^([0-9a-f]{40}|[0-9a-f]{168})$")]
    signature: Annotated[str, msgspec.Meta(pattern="^([0-9a-f]{2})*$")]

    @classmethod
    def of(
        cls,
        step: EnforcedStep,
        facts: tuple[Word, ...],
        members: Mapping[str, int],
        domain: Domain,
        signed: tuple[bytes, bytes],
    ) -> "ActorSignature":
        """Write down a signed step: what the law remembers after it, who is who, where it counts, who signed it how."""
        signer, signature = signed
        return cls(
            chain_id=domain.chain_id,
            contract=f"0x{domain.contract.hex()}",
            case_key=step.case_key.hex(),
            commitment=step.commitment.hex(),
            previous_head=_octets(step.before.head).hex(),
            terms=_octets(step.terms).hex(),
            arguments=tuple(_octets(each).hex() for each in step.arguments),
            facts=tuple(_octets(each).hex() for each in facts),
            members=dict(members),
            signer_kind="key" if recovered(step.digest(domain), signature) == signer else "contract",
            signer=signer.hex(),
            signature=signature.hex(),
        )

    @classmethod
    def read(cls, kept: dict[str, Any]) -> "ActorSignature":
        """Read what an event keeps; raises InvalidValue."""
        try:
            return msgspec.convert(kept, cls)
        except msgspec.ValidationError as error:
            raise InvalidValue("The signature of a step", kept, f"as docs/spec/enforced.md says ({error})") from error

    def step(self) -> EnforcedStep:
        """Return the step that was signed, without the facts that it built upon."""
        before = Link(bytes.fromhex(self.case_key), int(self.previous_head, 16))
        given = tuple(int(each, 16) for each in self.arguments)
        return EnforcedStep(before, bytes.fromhex(self.commitment), int(self.terms, 16), given)

    @property
    def member(self) -> int:
        """The number of the member who signed."""
        return _field(int(self.terms, 16), *_SIGNED[3])

    def names(self, salt: bytes) -> Names:
        """Return who is who by this signature, and the case's blinded texts by the salt of its first step."""
        return Stated(self.members, salt)

    def after(self) -> Link:
        """Return where the case stands after the step."""
        return self.step().after(tuple(int(each, 16) for each in self.facts))

    def domain(self, workflow: str) -> Domain:
        """Return where it counts."""
        return Domain(workflow, self.chain_id, bytes.fromhex(self.contract.removeprefix("0x")))


_SIGNED: Final = ((0, 64), (64, 64), (160, 32), (128, 32), (192, 8), (200, 8))
"""Moment, deadline, sequence, member, action, role, as they are signed: lowest bit and width in the terms."""


class Blinded(NamedTuple):
    """`workflows._enforcement.Names` under two secrets: the ledger's for members, the case's salt for everything else.

    Destroying the salt, as an erasure does, leaves nobody able to guess a blinded text.
    """

    secret: bytes
    salt: bytes

    def member(self, pseudonym: str) -> int:
        """Return the member's number on this ledger's chain."""
        return member_number(self.secret, pseudonym)

    def blind(self, text: str) -> int:
        """Return 128 bits for a text of this case."""
        return _blind(self.salt, text)


class Stated(NamedTuple):
    """`workflows._enforcement.Names` without the ledger's secret: members as a signature states them."""

    members: Mapping[str, int]
    salt: bytes

    def member(self, pseudonym: str) -> int:
        """Return the member's number; raises InvalidValue for whom nothing is stated of."""
        if pseudonym and pseudonym not in self.members:
            raise InvalidValue("The members of a signature", sorted(self.members), f"with {pseudonym} among them")
        return self.members[pseudonym] if pseudonym else 0

    def blind(self, text: str) -> int:
        """Return 128 bits for a text of this case."""
        return _blind(self.salt, text)


class Noted:
    """Any `Names`, and whom they were asked for."""

    def __init__(self, names: Names) -> None:
        self._names = names
        self.members: dict[str, int] = {}

    def member(self, pseudonym: str) -> int:
        """Return the member's number, and note it."""
        number = self._names.member(pseudonym)
        if number:
            self.members[pseudonym] = number
        return number

    def blind(self, text: str) -> int:
        """Return 128 bits for a text of this case."""
        return self._names.blind(text)


def recovered(digest: bytes, signature: bytes) -> bytes | None:
    """Return the address of the ordinary key that made a signature (r, s and v of 27 or 28), None for any other."""
    if len(signature) != _RECOVERABLE_BYTES or signature[-1] < _FIRST_PARITY:
        return None
    parity = bytes([signature[-1] - _FIRST_PARITY])
    try:
        key = PublicKey.from_signature_and_message(signature[:-1] + parity, digest, hasher=None)
    except ValueError:
        return None
    return keccak256(key.format(compressed=False)[1:])[-_ADDRESS_BYTES:]


def member_number(secret: bytes, pseudonym: str) -> int:
    """Return 32 bits that are never 0 for a pseudonym, and 0 for none."""
    return int.from_bytes(hmac.digest(secret, pseudonym.encode(), hashlib.sha256)[:4], "big") or 1 if pseudonym else 0


def in_numbers(  # noqa: PLR0913, PLR0917  a step has as many parts
    table: Workflow[Any], case: Case | None, action: str, step: Step, names: Names, deadline: int
) -> tuple[Word, tuple[Word, ...]]:
    """Return terms and arguments of a typed step; raises InvalidValue for what cannot be enforced."""
    enforcement = table.enforcement
    if enforcement is None:
        raise InvalidValue("A workflow", table.name, "one that a contract can enforce")
    arguments = enforcement.arguments.get(action, _nothing)(case.data if case else None, step, names)
    known = 1 + len(enforcement.facts(case.data, names)) if case else 0
    terms = pack(
        (moment(step.at), 64),
        (deadline, 64),
        (names.member(step.actor.id), 32),
        (case.sequence + 1 if case else 0, 32),
        (tuple(table.transitions).index(action), 8),
        (ROLES.index(step.actor.role), 8),
        (known, 8),
        (len(arguments), 8),
    )
    return terms, arguments


def in_short(terms: Word) -> tuple[int, ...]:
    """Return what terms say of an event: moment, sequence, action, role."""
    return tuple(_field(terms, *place) for place in (_SIGNED[0], _SIGNED[2], *_SIGNED[4:]))


def deadline_of(terms: Word) -> int:
    """Return until when a signature may be used, in seconds since 1970."""
    return _field(terms, *_SIGNED[1])


def _blind(salt: bytes, text: str) -> int:
    return int.from_bytes(hmac.digest(salt, text.encode(), hashlib.sha256)[:16], "big")


def _nothing(*_: object) -> tuple[Word, ...]:
    return ()


def _field(word: Word, bit: int, width: int) -> int:
    return word >> bit & ((1 << width) - 1)


def _octets(word: Word) -> bytes:
    return word.to_bytes(_WORD_BYTES, "big")
