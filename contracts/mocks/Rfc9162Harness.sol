// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Rfc9162} from "../libraries/Rfc9162.sol";

/// @title The hash library's door for tests: many claims in one eth_call
/// @dev For tests only; never deployed by the program and no shipped artifact.
contract Rfc9162Harness {
    /// @notice Two trees and a proof between them.
    struct Claim {
        uint64 firstSize;
        uint64 secondSize;
        bytes32 firstRoot;
        bytes32 secondRoot;
        bytes32[] proof;
    }

    /// @notice Verify each claim.
    /// @param claims The claims.
    /// @return holds Which of them hold.
    function verify(Claim[] calldata claims) external view returns (bool[] memory holds) {
        holds = new bool[](claims.length);
        for (uint256 i = 0; i < claims.length; ++i) {
            Claim calldata claim = claims[i];
            holds[i] = Rfc9162.isConsistent(
                claim.firstSize, claim.secondSize, claim.firstRoot, claim.secondRoot, claim.proof
            );
        }
    }
}
