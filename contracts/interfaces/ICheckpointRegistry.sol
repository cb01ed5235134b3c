// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @notice The name of a log on chain: SHA-256 of its origin line, so that no text about a case or a town is stored.
type Origin is bytes32;

/// @title Append-only register of a transparency log's checkpoints
/// @notice Accepts a checkpoint of a log only with a proof, checked here, that its tree extends the tree anchored
/// before (RFC 9162, section 2.1.4). Whoever holds the log's keys, a log that forks, forgets or rewrites is refused.
/// @dev What it does not do: it does not see a leaf, does not check the log's signature, and does not recompute the
/// case map, whose root is recorded beside the tree's and is checked by whoever replays the log.
interface ICheckpointRegistry {
    /// @notice A state of a log: how many leaves, and two roots over them.
    /// @param treeSize The number of leaves; 0 means that nothing was anchored yet.
    /// @param rootHash The tree's root (RFC 9162, section 2.1.1).
    /// @param caseMapRoot The root of the map from case to its last event.
    struct Checkpoint {
        uint64 treeSize;
        bytes32 rootHash;
        bytes32 caseMapRoot;
    }

    /// @notice A log's checkpoint was anchored. Exactly one per accepted call, equal to what `latest` returns then.
    /// @param origin The log.
    /// @param treeSize The new number of leaves.
    /// @param rootHash The new tree root.
    /// @param caseMapRoot The new case map root.
    /// @param previousSize The number of leaves anchored before; events of an origin form a chain by it, from 0.
    event CheckpointAnchored(
        Origin indexed origin, uint64 indexed treeSize, bytes32 rootHash, bytes32 caseMapRoot, uint64 previousSize
    );

    /// @notice A root was zero, which no SHA-256 tree has.
    /// @param origin The log.
    error EmptyRoot(Origin origin);

    /// @notice The caller built upon another checkpoint than the newest.
    /// @param origin The log.
    /// @param expected The previous size that the caller named.
    /// @param actual The size that is anchored.
    error StalePreviousSize(Origin origin, uint64 expected, uint64 actual);

    /// @notice The tree would shrink or stay.
    /// @param origin The log.
    /// @param previousSize The size that is anchored.
    /// @param treeSize The size that was offered.
    error TreeSizeNotGrowing(Origin origin, uint64 previousSize, uint64 treeSize);

    /// @notice A log's first checkpoint came with a proof, though there is nothing to be consistent with.
    /// @param origin The log.
    /// @param proofLength The number of nodes offered.
    error UnexpectedProof(Origin origin, uint256 proofLength);

    /// @notice The proof does not show that the offered tree extends the anchored one.
    /// @param origin The log.
    /// @param previousSize The size that is anchored.
    /// @param treeSize The size that was offered.
    /// @param previousRoot The root that is anchored.
    /// @param rootHash The root that was offered.
    error InconsistentCheckpoint(
        Origin origin, uint64 previousSize, uint64 treeSize, bytes32 previousRoot, bytes32 rootHash
    );

    /// @notice The admin's seat cannot be given up, only handed over: otherwise a lost anchorer could not be replaced.
    error AdminRequired();

    /// @notice The last anchorer cannot be revoked, nor renounce: grant the role to the next one first.
    /// @param account The last holder of the role.
    error LastAnchorer(address account);

    /// @notice Anchor a log's next checkpoint.
    /// @param origin The log.
    /// @param previousSize The size anchored before, 0 for the first: compare-and-swap, so a late or doubled call reverts.
    /// @param treeSize The new size; must be larger.
    /// @param rootHash The new tree root; not zero.
    /// @param caseMapRoot The new case map root; not zero.
    /// @param consistencyProof Consistency of the two trees, as RFC 9162 section 2.1.4.1 gives it; empty for the first.
    function anchor(
        Origin origin,
        uint64 previousSize,
        uint64 treeSize,
        bytes32 rootHash,
        bytes32 caseMapRoot,
        bytes32[] calldata consistencyProof
    ) external;

    /// @notice The newest checkpoint of a log.
    /// @param origin The log.
    /// @return The checkpoint; all zero where nothing was anchored.
    /// @dev Plain storage, for eth_getProof: with `p = keccak256(origin . 3)`, the words `p`, `p + 1`, `p + 2` hold
    /// size, root and case map root. The number 3 is checked against the compiler's layout by a test.
    function latest(Origin origin) external view returns (Checkpoint memory);
}
