// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ILaw} from "../../interfaces/ILaw.sol";

/// @title Amounts, rates and days of the subsidy, as they are packed
library Money {
    /// @notice The largest amount in cents: the largest integer that every reader of JSON keeps exactly.
    uint256 internal constant MOST = 2 ** 53 - 1;

    /// @notice 100 % in basis points.
    uint256 internal constant WHOLE = 10_000;

    /// @notice A day begins and ends on a quarter of an hour in every time zone: three bytes do what seven would.
    uint256 internal constant QUARTER = 15 minutes * 1e6;

    /// @notice A share of an amount, rounded half up to the cent (DIN 1333); Python's `share_of`.
    function share(uint256 amount, uint256 rate) internal pure returns (uint256) {
        unchecked {
            return (amount * rate + WHOLE / 2) / WHOLE;
        }
    }

    /// @notice Require an argument that is an amount of more than nothing.
    /// @dev Nothing less one is more than anything: one comparison instead of two, here and wherever a range is asked.
    function requireAmount(uint256 index, uint256 amount) internal pure {
        unchecked {
            if (amount - 1 >= MOST) revert ILaw.ArgumentOutOfRange(index, amount);
        }
    }

    /// @notice The moment, in microseconds since 1970, that is so many quarters of an hour after 1970.
    function moment(uint256 quarters) internal pure returns (uint256) {
        unchecked {
            return quarters * QUARTER;
        }
    }
}
