// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {CaseLedger} from "../CaseLedger.sol";
import {Terms} from "../interfaces/ICaseLedger.sol";
import {Member} from "../interfaces/IMembers.sol";

/// @title A fourth workflow, for tests: somebody applies for a market stall, somebody else allots it, and it is given up
/// @dev States: 1 applied, 2 allotted, 3 given up. Facts: one word, the applicant (32 bits) | the fee (64 bits).
contract StallLedger is CaseLedger {
    uint256 private constant _APPLY = 0;
    uint256 private constant _ALLOT = 1;
    uint256 private constant _GIVE_UP = 2;

    /// @notice A stall costs something.
    error FeeMissing(uint256 fee);

    constructor(address admin, uint64 backdating) CaseLedger(admin, backdating, "ledger-automation/market_stall") {}

    function _row(uint256 action) internal pure override returns (uint256) {
        return action > _GIVE_UP ? 0 : (0x0001_01 | 0x0002_06 << 24 | 0x0004_01 << 48) >> 24 * action;
    }

    function _apply(Terms terms, uint8, uint256[] memory facts, uint256[] calldata arguments)
        internal
        pure
        override
        returns (uint8, uint256[] memory)
    {
        if (arguments.length != (terms.action() == _ALLOT ? 1 : 0)) {
            revert WrongArguments(terms.action(), arguments.length);
        }
        uint256 member = Member.unwrap(terms.member());
        if (terms.action() == _APPLY) {
            facts = new uint256[](2);
            facts[1] = member;
            return (1, facts);
        }
        if (terms.action() == _ALLOT) {
            if (facts[1] == member) revert NobodyDecidesInOwnCase(terms.member());
            if (arguments[0] == 0) revert FeeMissing(0);
            if (arguments[0] > type(uint64).max) revert ArgumentOutOfRange(0, arguments[0]);
            facts[1] |= arguments[0] << 32;
            return (2, facts);
        }
        return (3, facts);
    }
}
