// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Fields of words, and the hash of many words
/// @notice What the law remembers is packed: calldata is the dearest part of a step after its one slot of storage.
/// @dev A field is named by its lowest bit. Hashing is the only assembly here: the compiler would copy word by word.
library Words {
    /// @notice Read a flag.
    function flag(uint256 word, uint256 bit) internal pure returns (bool) {
        return word >> bit & 1 == 1;
    }

    /// @notice Read a field of up to 64 bits.
    function get(uint256 word, uint256 bit, uint256 width) internal pure returns (uint256) {
        unchecked {
            return word >> bit & ((1 << width) - 1);
        }
    }

    /// @notice Return the word with a field set; what does not fit is cut off, so callers check ranges first.
    function set(uint256 word, uint256 bit, uint256 width, uint256 value) internal pure returns (uint256) {
        unchecked {
            uint256 mask = (1 << width) - 1;
            return (word & ~(mask << bit)) | (value & mask) << bit;
        }
    }

    /// @notice Copy words out of packed bytes. Requires that they are there.
    function unpack(bytes calldata packed, uint256 start, uint256 count) internal pure returns (uint256[] memory words) {
        assembly ("memory-safe") {
            words := mload(0x40)
            let size := shl(5, count)
            mstore(0x40, add(add(words, 0x20), size))
            mstore(words, count)
            calldatacopy(add(words, 0x20), add(packed.offset, shl(5, start)), size)
        }
    }

    /// @notice Keccak-256 of words, one after the other.
    function hash(uint256[] memory words) internal pure returns (uint256 digest) {
        assembly ("memory-safe") {
            digest := keccak256(add(words, 0x20), shl(5, mload(words)))
        }
    }
}
