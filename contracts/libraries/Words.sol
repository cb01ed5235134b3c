// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Fields of words, and the hash of many words
/// @notice What the law remembers is packed: calldata is the dearest part of a step after its one slot of storage.
/// @dev A field is named by its lowest bit. Assembly is kept here, for lists: the compiler would copy word by word, and
/// ask for every word whether it is there. Who takes one by {wordAt} or {put} has asked that before, once for all of them.
library Words {
    /// @notice Read a flag.
    function flag(uint256 word, uint256 bit) internal pure returns (bool) {
        return word >> bit & 1 != 0;
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

    /// @notice Read a word of a list. Requires that it is there.
    function wordAt(uint256[] memory words, uint256 place) internal pure returns (uint256 word) {
        assembly ("memory-safe") {
            word := mload(add(add(words, 0x20), shl(5, place)))
        }
    }

    /// @notice Replace a word of a list. Requires that it is there.
    function put(uint256[] memory words, uint256 place, uint256 word) internal pure {
        assembly ("memory-safe") {
            mstore(add(add(words, 0x20), shl(5, place)), word)
        }
    }

    /// @notice Append a word to a list, in the room that {unpack} left behind it. Requires that nothing was appended yet.
    function append(uint256[] memory words, uint256 word) internal pure {
        assembly ("memory-safe") {
            let size := mload(words)
            mstore(add(add(words, 0x20), shl(5, size)), word)
            mstore(words, add(size, 1))
        }
    }

    /// @notice Make a list whose words are still to be written, every one of them.
    function room(uint256 count) internal pure returns (uint256[] memory words) {
        assembly ("memory-safe") {
            words := mload(0x40)
            mstore(0x40, add(add(words, 0x20), shl(5, count)))
            mstore(words, count)
        }
    }

    /// @notice Name words of packed bytes, where they lie. Requires that they are there.
    function slice(bytes calldata packed, uint256 start, uint256 count)
        internal
        pure
        returns (uint256[] calldata words)
    {
        assembly ("memory-safe") {
            words.offset := add(packed.offset, shl(5, start))
            words.length := count
        }
    }

    /// @notice Copy words out of packed bytes, and leave room for one more. Requires that they are there.
    function unpack(bytes calldata packed, uint256 start, uint256 count) internal pure returns (uint256[] memory words) {
        assembly ("memory-safe") {
            words := mload(0x40)
            let size := shl(5, count)
            mstore(0x40, add(add(words, 0x40), size))
            mstore(words, count)
            calldatacopy(add(words, 0x20), add(packed.offset, shl(5, start)), size)
        }
    }

    /// @notice Keccak-256 of words that lie in the call, one after the other.
    function hashOfGiven(uint256[] calldata words) internal pure returns (uint256 digest) {
        assembly ("memory-safe") {
            let free := mload(0x40)
            calldatacopy(free, words.offset, shl(5, words.length))
            digest := keccak256(free, shl(5, words.length))
        }
    }

    /// @notice Keccak-256 of words, one after the other.
    function hash(uint256[] memory words) internal pure returns (uint256 digest) {
        assembly ("memory-safe") {
            digest := keccak256(add(words, 0x20), shl(5, mload(words)))
        }
    }
}
