// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Hashes} from "@openzeppelin/contracts/utils/cryptography/Hashes.sol";
import {ILaw} from "../../interfaces/ILaw.sol";
import {IPermitLedger} from "../../interfaces/IPermitLedger.sol";
import {DIGEST, DOCUMENTS} from "./Numbers.sol";

/// @title The versions of documents that a permit knows
/// @notice A version is a number, not 0, that stands for its name and count, and is given once: a second time it could
/// only have another content. (What is given again unchanged is nothing new, and no contract is told.) The case keeps
/// how many there are and a digest; who adds some brings the known ones along, ascending, then his own, ascending too.
/// @dev The digest is the top half of a chain from 0. Another set for it costs 2^128 hashes, or 2^64 if one prepares
/// both, and the steps' commitments still show every content. A whole word would cost 300 gas a step of a review.
library Documents {
    uint256 private constant _DIGEST_MASK = type(uint256).max << DIGEST;
    uint256 private constant _COUNT_MASK = 0xff << DOCUMENTS;
    uint256 private constant _END = type(uint256).max;

    /// @notice Return the case's word with further versions.
    /// @param words From ``start`` on: the versions that the case knows, then those that are new.
    function added(uint256 word, uint256[] calldata words, uint256 start) internal pure returns (uint256) {
        unchecked {
            uint256 known = start + ((word & _COUNT_MASK) >> DOCUMENTS);
            uint256 digest = word & _DIGEST_MASK;
            if (known > words.length) revert IPermitLedger.WrongDocuments(digest, 0);
            (uint256 led, uint256 leads) = _merged(words, start, known);
            if (led & _DIGEST_MASK != digest) revert IPermitLedger.WrongDocuments(digest, led & _DIGEST_MASK);
            word &= ~(_DIGEST_MASK | _COUNT_MASK);
            return word | (leads & _DIGEST_MASK) | (words.length - start) << DOCUMENTS;
        }
    }

    // The chain over the first run, and the one over both runs, merged. A run that is over stands at _END.
    function _merged(uint256[] calldata words, uint256 first, uint256 second)
        private
        pure
        returns (uint256 led, uint256 leads)
    {
        unchecked {
            uint256 known = second;
            uint256 old = first < known ? words[first] : _END;
            uint256 fresh = second < words.length ? words[second] : _END;
            uint256 last;
            for (uint256 left = words.length - first; left != 0; --left) {
                uint256 word = fresh;
                if (old <= fresh) {
                    word = old;
                    led = _chained(led, word);
                    old = ++first < known ? words[first] : _END;
                } else {
                    fresh = ++second < words.length ? words[second] : _END;
                }
                if (word <= last) {
                    if (word == last) revert IPermitLedger.DocumentVersionFixed(word);
                    revert ILaw.ArgumentOutOfRange(second, word);
                }
                leads = _chained(leads, word);
                last = word;
            }
        }
    }

    function _chained(uint256 led, uint256 word) private pure returns (uint256) {
        return uint256(Hashes.efficientKeccak256(bytes32(led), bytes32(word)));
    }
}
