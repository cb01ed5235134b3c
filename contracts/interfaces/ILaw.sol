// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Member} from "./IMembers.sol";

/// @title What the laws of several workflows refuse
interface ILaw {
    /// @notice Nobody decides in his own case.
    error NobodyDecidesInOwnCase(Member member);

    /// @notice Who acts as applicant acts in his own case only.
    error OwnCaseOnly(Member member);

    /// @notice A decision is prepared by one officer and taken by another.
    error FourEyes(Member member);

    /// @notice A term ends before the law lets it.
    error TermTooShort(uint256 ends, uint256 least);

    /// @notice An argument is not among the values that the law knows.
    error ArgumentOutOfRange(uint256 index, uint256 value);

    /// @notice Fewer facts were brought along than the law remembers of such a case.
    error FactsMissing(uint256 actual, uint256 least);

    /// @notice The action takes another number of arguments.
    error WrongArguments(uint256 action, uint256 actual);
}
