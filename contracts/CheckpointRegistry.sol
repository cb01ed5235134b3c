// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {
    AccessControlDefaultAdminRules
} from "@openzeppelin/contracts/access/extensions/AccessControlDefaultAdminRules.sol";
import {ICheckpointRegistry, Origin} from "./interfaces/ICheckpointRegistry.sol";
import {Rfc9162} from "./libraries/Rfc9162.sol";

/// @title Append-only register of checkpoints, which checks RFC 9162 consistency itself
/// @notice Errors, events and their meaning stand in {ICheckpointRegistry}.
/// @dev No ether, no proxy, no delegatecall, nothing to pause: an entry, once accepted, has no way back. The admin can
/// only say who may anchor; even both together cannot rewrite. The admin's seat passes in two steps with a day between.
contract CheckpointRegistry is ICheckpointRegistry, AccessControlDefaultAdminRules {
    /// @notice The role that may anchor.
    bytes32 public constant ANCHORER = keccak256("ANCHORER");

    /// @dev Storage slot 3: the three before belong to OpenZeppelin's access control. See {latest}.
    mapping(Origin origin => Checkpoint newest) private _latest;

    /// @dev How many hold {ANCHORER}; never zero, so that a rotation has to grant before it revokes.
    uint256 private _anchorers;

    /// @notice Deploy with its two seats taken, so that there is no moment without either.
    /// @param admin Who grants and revokes the right to anchor.
    /// @param anchorer Who anchors first.
    constructor(address admin, address anchorer) AccessControlDefaultAdminRules(1 days, admin) {
        _grantRole(ANCHORER, anchorer);
    }

    /// @inheritdoc ICheckpointRegistry
    function anchor(
        Origin origin,
        uint64 previousSize,
        uint64 treeSize,
        bytes32 rootHash,
        bytes32 caseMapRoot,
        bytes32[] calldata consistencyProof
    ) external onlyRole(ANCHORER) {
        Checkpoint storage newest = _latest[origin];
        uint64 anchoredSize = newest.treeSize;
        if (previousSize != anchoredSize) revert StalePreviousSize(origin, previousSize, anchoredSize);
        if (treeSize <= previousSize) revert TreeSizeNotGrowing(origin, previousSize, treeSize);
        if (rootHash == 0 || caseMapRoot == 0) revert EmptyRoot(origin);
        if (previousSize == 0) {
            if (consistencyProof.length != 0) revert UnexpectedProof(origin, consistencyProof.length);
        } else {
            bytes32 previousRoot = newest.rootHash;
            if (!Rfc9162.isConsistent(previousSize, treeSize, previousRoot, rootHash, consistencyProof)) {
                revert InconsistentCheckpoint(origin, previousSize, treeSize, previousRoot, rootHash);
            }
        }
        (newest.treeSize, newest.rootHash, newest.caseMapRoot) = (treeSize, rootHash, caseMapRoot);
        emit CheckpointAnchored(origin, treeSize, rootHash, caseMapRoot, previousSize);
    }

    /// @inheritdoc ICheckpointRegistry
    function latest(Origin origin) external view returns (Checkpoint memory) {
        return _latest[origin];
    }

    /// @dev Renouncing begins with a transfer to nobody; refused here, so there is always exactly one admin.
    function _beginDefaultAdminTransfer(address newAdmin) internal override {
        if (newAdmin == address(0)) revert AdminRequired();
        super._beginDefaultAdminTransfer(newAdmin);
    }

    /// @dev Granting what is held already changes nothing, and is not counted.
    function _grantRole(bytes32 role, address account) internal override returns (bool granted) {
        granted = super._grantRole(role, account);
        if (granted && role == ANCHORER) ++_anchorers;
    }

    /// @dev Revoking and renouncing both end here.
    function _revokeRole(bytes32 role, address account) internal override returns (bool revoked) {
        revoked = super._revokeRole(role, account);
        if (revoked && role == ANCHORER && --_anchorers == 0) revert LastAnchorer(account);
    }
}
