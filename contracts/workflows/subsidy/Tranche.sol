// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title One word of the list: a tranche, or a condition that is still open
/// @dev A tranche: stage (3 bits) | number (10 bits, not 0) | amount (56 bits from bit 16), and then what its stage
/// still needs. Requested and approved: payee, expenditure, requester, approver. Disbursed: end of use. Reclaimed: how much, and how much of it came back. Proven and accepted: nothing. Returned: not even the amount.
/// A condition: 16 bits of zeros | the first tranche that waits for it (16 bits) | its blinded name (64 bits).
library Tranche {
    uint256 internal constant REQUESTED = 1;
    uint256 internal constant APPROVED = 2;
    uint256 internal constant RETURNED = 3;
    uint256 internal constant DISBURSED = 4;
    uint256 internal constant PROVEN = 5;
    uint256 internal constant ACCEPTED = 6;
    uint256 internal constant RECLAIMED = 7;

    uint256 internal constant AMOUNT = 16;
    uint256 internal constant PAYEE = 72;
    uint256 internal constant EXPENDITURE = 104;
    uint256 internal constant REQUESTER = 160;
    uint256 internal constant APPROVER = 192;
    uint256 internal constant USE_ENDS = 224;
    uint256 internal constant ASKED_BACK = 72;
    uint256 internal constant REPAID = 128;

    uint256 internal constant MOST_NUMBER = 1_000;

    uint256 private constant _STAGE_MASK = 7;
    uint256 private constant _NUMBER = 3;
    uint256 private constant _NUMBER_MASK = 0x3ff;
    uint256 private constant _HEAD_MASK = 2 ** 72 - 1;
    uint256 private constant _NAME = 32;

    /// @notice How far the tranche is; 0 for a condition.
    function stage(uint256 word) internal pure returns (uint256) {
        return word & _STAGE_MASK;
    }

    /// @notice The tranche's number; 0 for a condition.
    function number(uint256 word) internal pure returns (uint256) {
        return word >> _NUMBER & _NUMBER_MASK;
    }

    /// @notice The tranche's amount.
    function amount(uint256 word) internal pure returns (uint256) {
        return word >> AMOUNT & type(uint56).max;
    }

    /// @notice Whether the tranche waits for approval or payment.
    function isWaiting(uint256 word) internal pure returns (bool) {
        unchecked {
            return stage(word) - REQUESTED <= APPROVED - REQUESTED;
        }
    }

    /// @notice A number and a stage, of which nothing more is remembered.
    function bare(uint256 which, uint256 stage_) internal pure returns (uint256) {
        return which << _NUMBER | stage_;
    }

    /// @notice Number and amount in another stage.
    function moved(uint256 word, uint256 stage_) internal pure returns (uint256) {
        return (word & _HEAD_MASK & ~_STAGE_MASK) | stage_;
    }

    /// @notice The condition's blinded name.
    function name(uint256 word) internal pure returns (uint256) {
        return word >> _NAME;
    }

    /// @notice The first tranche that waits for the condition.
    function firstWaiting(uint256 word) internal pure returns (uint256) {
        return uint16(word >> AMOUNT);
    }

    /// @notice Whether it is a condition.
    function isCondition(uint256 word) internal pure returns (bool) {
        return uint16(word) == 0;
    }

    /// @notice Whether it is a condition as the law knows them, and nothing beside it.
    function isWellFormedCondition(uint256 word) internal pure returns (bool) {
        uint256 first = firstWaiting(word);
        return isCondition(word) && first != 0 && first <= MOST_NUMBER && name(word) <= type(uint64).max;
    }
}
