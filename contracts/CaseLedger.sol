// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {Hashes} from "@openzeppelin/contracts/utils/cryptography/Hashes.sol";
import {CaseKey, ICaseLedger, Standing, Terms} from "./interfaces/ICaseLedger.sol";
import {Member} from "./interfaces/IMembers.sol";
import {Words} from "./libraries/Words.sol";
import {Members} from "./Members.sol";

/// @title What every workflow's contract has in common: signed steps, one slot a case, a table
/// @notice Errors and events stand in {ICaseLedger}. A workflow adds its table ({_rows}) and its rules ({_apply}).
/// @dev No ether, no proxy, no delegatecall, nothing to pause. The order of the checks is that of the law in Python,
/// so that both name the same rule: state, role, moment, then the workflow's own rules in the order of its table.
abstract contract CaseLedger is ICaseLedger, Members, EIP712 {
    using Words for bytes;
    using Words for uint256[];

    /// @notice What an actor signs. The arguments are those that the law must know; the commitment covers all content.
    bytes32 public constant STEP_TYPEHASH = keccak256(
        "Step(bytes16 caseKey,bytes32 commitment,uint64 moment,uint64 deadline,uint32 sequence,uint32 member,"
        "uint8 action,uint8 role,bytes32 previousHead,uint256[] arguments)"
    );

    /// @dev One slot. A struct, so that a step looks for it once.
    struct Case {
        Standing standing;
    }

    /// @dev The selector and the three words that the signature of `take` names; the witness follows them.
    uint256 private constant _CALL_BYTES = 4 + 3 * 32;
    uint256 private constant _HEAD_MASK = type(uint256).max << 40;
    uint256 private constant _LINK_MASK = type(uint256).max << 64;
    uint256 private constant _MICROSECONDS = 1e6;
    uint256 private constant _CLOCK_SKEW = 15 minutes * _MICROSECONDS;

    /// @notice How many microseconds a step may lie before the block that takes it. An office's policy, fixed for good.
    uint256 public immutable BACKDATING;

    mapping(CaseKey caseKey => Case) private _cases;

    /// @param admin Who seats members.
    /// @param backdating How many seconds a step may lie before the block that takes it.
    /// @param name The workflow's name in the signing domain.
    constructor(address admin, uint64 backdating, string memory name) Members(admin) EIP712(name, "1") {
        BACKDATING = backdating * _MICROSECONDS;
    }

    /// @inheritdoc ICaseLedger
    function take(CaseKey caseKey, Terms terms, bytes32 commitment) external {
        bytes calldata witness = msg.data[_CALL_BYTES:];
        (uint256 known, uint256 given) = (terms.facts(), terms.arguments());
        uint256 signatureStart;
        unchecked {
            signatureStart = known + given << 5;
        }
        Case storage opened = _cases[caseKey];
        uint256 standing = Standing.unwrap(opened.standing);
        uint256[] memory facts = witness.unpack(0, known);
        uint256[] calldata arguments = witness.slice(known, given);
        _requireNext(caseKey, commitment, terms, standing, facts);
        _requireSigned(caseKey, commitment, terms, standing & _HEAD_MASK, arguments, witness[signatureStart:]);
        _requireAllowed(terms, uint8(standing), facts);
        uint8 state;
        (state, facts) = _apply(terms, uint8(standing), facts, arguments);
        facts.put(0, _link(standing & _HEAD_MASK, commitment, terms) | terms.moment());
        unchecked {
            standing = (facts.hash() & _HEAD_MASK) | (terms.sequence() + 1) << 8 | state;
        }
        opened.standing = Standing.wrap(standing);
        emit StepTaken(Standing.wrap(standing));
    }

    /// @inheritdoc ICaseLedger
    function standingOf(CaseKey caseKey) external view returns (Standing) {
        return _cases[caseKey].standing;
    }

    /// @inheritdoc ICaseLedger
    function allows(uint256 state, uint256 action, uint256 role) external view returns (bool) {
        uint256 row = _row(action) & 0xffffff;
        return row >> 8 >> state & 1 == 1 && uint8(row) >> role & 1 == 1;
    }

    /// @dev A row of the table in the low 24 bits: the states that the action may come from (16 bits, bit 0 for a case
    /// that is not open) | the roles that may act (8 bits). Zero where there is no such action.
    function _row(uint256 action) internal pure virtual returns (uint256);

    /// @dev The workflow's rules: revert, or return the state that follows and the facts then.
    function _apply(Terms terms, uint8 state, uint256[] memory facts, uint256[] calldata arguments)
        internal
        pure
        virtual
        returns (uint8, uint256[] memory);

    /// @dev What ties a step to everything before it: whoever signed something else, or elsewhere, leads to another head.
    function _link(uint256 head, bytes32 commitment, Terms terms) private pure returns (uint256) {
        bytes32 past = Hashes.efficientKeccak256(bytes32(head), commitment);
        return uint256(Hashes.efficientKeccak256(past, bytes32(terms.signed()))) & _LINK_MASK;
    }

    function _requireNext(
        CaseKey caseKey,
        bytes32 commitment,
        Terms terms,
        uint256 standing,
        uint256[] memory facts
    ) private pure {
        uint256 next = standing >> 8 & type(uint32).max;
        if (terms.sequence() != next) revert StaleSequence(caseKey, next, terms.sequence());
        uint256 led = facts.hash() & _HEAD_MASK;
        // Nothing leads to 0, the head of a case that is not open.
        if (led != standing & _HEAD_MASK) {
            if (next != 0) revert WrongFacts(caseKey, bytes32(standing & _HEAD_MASK), bytes32(led));
            if (CaseKey.unwrap(caseKey) != bytes16(commitment) || commitment == 0) {
                revert KeyIsNotCommitment(caseKey, commitment);
            }
        }
    }

    function _requireSigned(
        CaseKey caseKey,
        bytes32 commitment,
        Terms terms,
        uint256 head,
        uint256[] calldata arguments,
        bytes calldata signature
    ) private view {
        Member member = terms.member();
        Seat seat = _seatOf(member);
        if (_rolesOf(seat) >> terms.role() & 1 == 0) revert RoleNotHeld(member, terms.role(), _rolesOf(seat));
        if (block.timestamp > terms.deadline()) revert SignatureExpired(terms.deadline(), block.timestamp);
        bytes32 digest = _hashTypedDataV4(
            keccak256(
                abi.encode(
                    STEP_TYPEHASH,
                    caseKey,
                    commitment,
                    terms.moment(),
                    terms.deadline(),
                    terms.sequence(),
                    member,
                    terms.action(),
                    terms.role(),
                    head,
                    arguments.hashOfGiven()
                )
            )
        );
        if (!_isSigned(seat, member, digest, signature)) revert NotSigned(member, digest);
    }

    function _requireAllowed(Terms terms, uint256 state, uint256[] memory facts) internal view {
        unchecked {
            uint256 moment = terms.moment();
            // One comparison for both bounds: a moment before the first one wraps around to far beyond the second.
            if (moment + BACKDATING - block.timestamp * _MICROSECONDS > BACKDATING + _CLOCK_SKEW) {
                revert ImplausibleMoment(moment, block.timestamp);
            }
            uint256 row = _row(terms.action()) & 0xffffff;
            if (row >> 8 >> state & row >> terms.role() & 1 == 0) _refuse(terms, state, row);
            // The facts of an open case led to its head, as no empty list does. What stands in the room behind an empty one
            // counts for nothing.
            uint256 previous = uint64(facts.wordAt(0));
            if (moment < previous) {
                if (state != 0) revert BeforePreviousStep(moment, previous);
            }
        }
    }

    /// @dev Which of the table's columns a step is not in.
    function _refuse(Terms terms, uint256 state, uint256 row) private pure {
        if (row == 0) revert UnknownAction(terms.action());
        if (row >> 8 >> state & 1 == 0) revert NotInState(state, terms.action());
        revert WrongRole(terms.role(), row & 0xff);
    }
}
