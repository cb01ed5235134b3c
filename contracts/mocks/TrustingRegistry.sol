// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ICheckpointRegistry, Origin} from "../interfaces/ICheckpointRegistry.sol";

/// @title The registry as most anchoring contracts are: everything checked but the proof
/// @dev For tests only. It shows that a forked log is accepted where nobody verifies consistency, so that it is the
/// verification which refuses it; and, emitting the very same event, it is the look-alike that no reader may believe.
contract TrustingRegistry is ICheckpointRegistry {
    mapping(Origin origin => Checkpoint newest) private _latest;

    /// @inheritdoc ICheckpointRegistry
    function anchor(
        Origin origin,
        uint64 previousSize,
        uint64 treeSize,
        bytes32 rootHash,
        bytes32 caseMapRoot,
        bytes32[] calldata
    ) external {
        uint64 anchoredSize = _latest[origin].treeSize;
        if (previousSize != anchoredSize) revert StalePreviousSize(origin, previousSize, anchoredSize);
        if (treeSize <= previousSize) revert TreeSizeNotGrowing(origin, previousSize, treeSize);
        if (rootHash == 0 || caseMapRoot == 0) revert EmptyRoot(origin);
        _latest[origin] = Checkpoint(treeSize, rootHash, caseMapRoot);
        emit CheckpointAnchored(origin, treeSize, rootHash, caseMapRoot, previousSize);
    }

    /// @inheritdoc ICheckpointRegistry
    function latest(Origin origin) external view returns (Checkpoint memory) {
        return _latest[origin];
    }
}
