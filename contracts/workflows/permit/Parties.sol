// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ILaw} from "../../interfaces/ILaw.sol";
import {IPermitLedger} from "../../interfaces/IPermitLedger.sol";

/// @title The parties that owe a permit advice: up to eight numbers of 32 bits in one word, ascending, the rest 0
library Parties {
    uint256 private constant _BITS = 32;
    uint256 private constant _PARTY = (1 << _BITS) - 1;
    uint256 private constant _WORD_BITS = 256;

    /// @dev A request that names nobody asks whoever is competent.
    uint256 private constant _WHOEVER = 1;

    /// @notice Add those who are asked.
    function united(uint256 open, uint256 asked) internal pure returns (uint256 parties) {
        if (asked == 0) revert ILaw.ArgumentOutOfRange(0, asked);
        unchecked {
            uint256 last;
            uint256 rest = asked;
            for (uint256 bit = 0; open | rest != 0; bit += _BITS) {
                uint256 one = open & _PARTY;
                uint256 other = rest & _PARTY;
                uint256 next = one == 0 || (other != 0 && other < one) ? other : one;
                if (next <= last) revert ILaw.ArgumentOutOfRange(0, asked);
                if (bit == _WORD_BITS) revert IPermitLedger.TooManyParties(asked);
                if (one == next) open >>= _BITS;
                if (other == next) rest >>= _BITS;
                parties |= next << bit;
                last = next;
            }
        }
    }

    /// @notice Take out the one that answered; the first answer also answers a request that named nobody.
    function without(uint256 open, uint256 party) internal pure returns (uint256 parties) {
        if (party == 0 || party > _PARTY) revert ILaw.ArgumentOutOfRange(0, party);
        unchecked {
            for (uint256 bit = 0; open != 0; open >>= _BITS) {
                uint256 next = open & _PARTY;
                if (next == party || next == _WHOEVER) continue;
                parties |= next << bit;
                bit += _BITS;
            }
        }
    }
}
