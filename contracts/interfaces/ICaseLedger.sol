// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ILaw} from "./ILaw.sol";
import {Member} from "./IMembers.sol";

/// @notice A case: the commitment of its first step, which hides everything and is drawn only once.
type CaseKey is bytes16;

/// @notice Where a case stands, in one word: state (8 bits) | steps taken (32 bits) | head (216 bits).
/// @dev The head is the top of `keccak256(link . facts)`; the link is `keccak256(keccak256(previous head . commitment) . terms)`. So one
/// word commits to every step, in order, and to all that the law remembers of the case.
type Standing is uint256;

/// @notice The small parts of a step in one word: moment (64 bits, microseconds since 1970) | deadline (64 bits, until
/// when the signature may be used, seconds since 1970) | member (32) | sequence (32) | action (8) | role (8, the number
/// of its bit) | facts (16, how many of the words are what the law remembers; the others are the step's arguments).
type Terms is uint256;

using TermsOf for Terms global;

/// @notice The parts of {Terms}.
library TermsOf {
    function moment(Terms terms) internal pure returns (uint256) {
        return uint64(Terms.unwrap(terms));
    }

    function deadline(Terms terms) internal pure returns (uint256) {
        return uint64(Terms.unwrap(terms) >> 64);
    }

    function member(Terms terms) internal pure returns (Member) {
        return Member.wrap(uint32(Terms.unwrap(terms) >> 128));
    }

    function sequence(Terms terms) internal pure returns (uint256) {
        return uint32(Terms.unwrap(terms) >> 160);
    }

    function action(Terms terms) internal pure returns (uint256) {
        return uint8(Terms.unwrap(terms) >> 192);
    }

    function role(Terms terms) internal pure returns (uint256) {
        return uint8(Terms.unwrap(terms) >> 200);
    }

    function signed(Terms terms) internal pure returns (uint256) {
        return Terms.unwrap(terms) & type(uint208).max;
    }

    function facts(Terms terms) internal pure returns (uint256) {
        return uint8(Terms.unwrap(terms) >> 208);
    }

    function arguments(Terms terms) internal pure returns (uint256) {
        return uint8(Terms.unwrap(terms) >> 216);
    }
}

/// @title A workflow's law on chain
/// @notice A step is taken if its actor signed it and the law allows it, and reverts otherwise. Whoever relays it pays
/// and has no other say: the signature names case, sequence and head, this contract and this chain.
/// @dev What the law remembers of a case (the facts) is not stored but committed to; the relayer brings it along, and
/// the head says whether it is right. The first fact's low 64 bits are the moment of the last step.
interface ICaseLedger is ILaw {
    /// @notice A step was taken. Exactly one per accepted call, equal to what `standingOf` returns then. Anonymous, so that
    /// its only topic is what one looks for: the standing that one step, and no other of any case, leads to.
    /// @param standing Where the case stands now.
    event StepTaken(Standing indexed standing) anonymous;

    /// @notice A case's first step must name the case by its own commitment, which must not be zero.
    /// @param caseKey The case.
    /// @param commitment The commitment.
    error KeyIsNotCommitment(CaseKey caseKey, bytes32 commitment);

    /// @notice The step is not the case's next one: taken already, too early, or of another case.
    /// @param caseKey The case.
    /// @param expected The number of the case's next step.
    /// @param actual The number that the step names.
    error StaleSequence(CaseKey caseKey, uint256 expected, uint256 actual);

    /// @notice Link and facts that were brought along are not those of the case.
    /// @param caseKey The case.
    /// @param expected The head of the case.
    /// @param actual What link and facts lead to.
    error WrongFacts(CaseKey caseKey, bytes32 expected, bytes32 actual);

    /// @notice The signature is too old.
    /// @param deadline Until when it could be used.
    /// @param blockTime When it arrived.
    error SignatureExpired(uint256 deadline, uint256 blockTime);

    /// @notice The member's signer did not sign this step for this case, head, contract and chain.
    /// @param member The member.
    /// @param digest What had to be signed.
    error NotSigned(Member member, bytes32 digest);

    /// @notice The member does not have the role in which it acts.
    /// @param member The member.
    /// @param role The role's number.
    /// @param roles The roles that the member has.
    error RoleNotHeld(Member member, uint256 role, uint256 roles);

    /// @notice The step names a moment that is still to come, or one too far back for this office.
    /// @param moment The moment, in microseconds.
    /// @param blockTime The block's time, in seconds.
    error ImplausibleMoment(uint256 moment, uint256 blockTime);

    /// @notice The workflow has no such action.
    /// @param action The number.
    error UnknownAction(uint256 action);

    /// @notice The case is in a state in which the table does not allow the action.
    /// @param state The state.
    /// @param action The action.
    error NotInState(uint256 state, uint256 action);

    /// @notice The action is not for this role.
    /// @param role The role's number.
    /// @param allowed The roles that the table allows.
    error WrongRole(uint256 role, uint256 allowed);

    /// @notice The step happened before the case's previous one.
    /// @param moment When it happened.
    /// @param previous When the previous one happened.
    error BeforePreviousStep(uint256 moment, uint256 previous);

    /// @notice Take a step.
    /// @dev The witness follows the encoded call as it is, without offset or length (as ERC-2771 appends its sender):
    /// what the law remembers of the case, then the arguments, which are signed, then the signature.
    /// @param caseKey The case; for the first step, its commitment.
    /// @param terms The small parts.
    /// @param commitment What hides the step's content.
    function take(CaseKey caseKey, Terms terms, bytes32 commitment) external;

    /// @notice Where a case stands.
    /// @param caseKey The case.
    /// @return Its standing; 0 for a case that was never opened.
    function standingOf(CaseKey caseKey) external view returns (Standing);

    /// @notice Whether the table allows an action in a state to a role, the law's other rules aside.
    /// @param state The state; 0 for a case that is not open.
    /// @param action The action.
    /// @param role The role's number.
    /// @return Whether it does.
    function allows(uint256 state, uint256 action, uint256 role) external view returns (bool);
}
