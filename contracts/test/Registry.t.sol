// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {CheckpointRegistry} from "../CheckpointRegistry.sol";
import {ICheckpointRegistry, Origin} from "../interfaces/ICheckpointRegistry.sol";
import {VM, Vm, must} from "./Vm.sol";

/// @dev RFC 9162 sections 2.1.1 and 2.1.4.1 as they are defined, recursion and all: the opposite of how the library does it.
library Tree {
    function root(bytes32[] memory leaves, uint256 from, uint256 to) internal pure returns (bytes32) {
        if (to - from == 1) return leaves[from];
        uint256 middle = from + _split(to - from);
        return sha256(abi.encodePacked(hex"01", root(leaves, from, middle), root(leaves, middle, to)));
    }

    function proof(bytes32[] memory leaves, uint256 first, uint256 second) internal pure returns (bytes32[] memory nodes) {
        return _subproof(leaves, first, 0, second, true);
    }

    function _subproof(bytes32[] memory leaves, uint256 first, uint256 from, uint256 to, bool whole)
        private
        pure
        returns (bytes32[] memory)
    {
        if (first == to - from) return whole ? new bytes32[](0) : _with(new bytes32[](0), root(leaves, from, to));
        uint256 split = _split(to - from);
        if (first <= split) {
            bytes32[] memory left = _subproof(leaves, first, from, from + split, whole);
            return _with(left, root(leaves, from + split, to));
        }
        bytes32[] memory right = _subproof(leaves, first - split, from + split, to, false);
        return _with(right, root(leaves, from, from + split));
    }

    function _with(bytes32[] memory nodes, bytes32 node) private pure returns (bytes32[] memory more) {
        more = new bytes32[](nodes.length + 1);
        for (uint256 i = 0; i < nodes.length; ++i) {
            more[i] = nodes[i];
        }
        more[nodes.length] = node;
    }

    /// @dev The largest power of two below a number.
    function _split(uint256 size) private pure returns (uint256 power) {
        for (power = 1; power << 1 < size;) {
            power <<= 1;
        }
    }
}

/// @dev Logs that grow, fork, forget and stand still; and offices that change who may anchor.
contract RegistryHandler {
    uint256 private constant _LOGS = 3;
    uint256 private constant _MOST_LEAVES = 40;
    uint256 private constant _PEOPLE = 4;
    bytes32 private constant _ANCHORER = keccak256("ANCHORER");

    CheckpointRegistry public registry;

    /// @dev The book: what was anchored last of each log, who anchors, whose the admin's seat is.
    mapping(uint256 log => uint256) private _anchored;
    mapping(uint256 log => ICheckpointRegistry.Checkpoint) private _last;
    mapping(uint256 who => bool) private _anchors;
    uint256 private _holders = 1;
    uint256 private _admin;
    uint256 private _generation;
    uint256 private _now = block.timestamp;

    constructor() {
        registry = new CheckpointRegistry(_person(0), _person(0));
        _anchors[0] = true;
    }

    /// @dev Anchor a log's next checkpoint: honest, or wrong in one way.
    function anchor(uint256 log, uint256 more, uint256 who, uint256 lie, uint256 noise) external {
        (log, who, lie) = (log % _LOGS, who % _PEOPLE, lie % 16);
        if (_anchored[log] == _MOST_LEAVES) _startAnew();
        uint256 first = _anchored[log];
        uint256 second = first + 1 + more % (_MOST_LEAVES - first);
        bytes32[] memory leaves = _leaves(log, second, type(uint256).max);
        bytes32 root = Tree.root(leaves, 0, second);
        bytes32[] memory proof = first == 0 ? new bytes32[](0) : Tree.proof(leaves, first, second);
        Call memory call = Call(first, second, root, keccak256(abi.encode(noise)), proof);
        bool honest = lie > 9;
        if (!honest) honest = !_falsify(call, log, lie, noise);
        _send(log, who, call, honest);
    }

    struct Call {
        uint256 first;
        uint256 second;
        bytes32 root;
        bytes32 caseMap;
        bytes32[] proof;
    }

    /// @dev Make an honest call a wrong one; returns whether it is one now.
    function _falsify(Call memory call, uint256 log, uint256 lie, uint256 noise) private view returns (bool) {
        if (lie == 0) call.second = noise % (call.first + 1); // does not grow
        else if (lie == 1) call.first = (call.first + 1 + noise % 7) % 9 + call.first / 9 * 9;
        else if (lie == 2) call.root = 0;
        else if (lie == 3) call.caseMap = 0;
        else if (lie == 4) call.proof = new bytes32[](call.proof.length + 1);
        else if (call.first == 0) return false;
        else if (lie == 5) call.root = keccak256(abi.encode(call.root));
        else if (lie == 6) call.proof[noise % call.proof.length] ^= bytes32(uint256(1) << (noise % 256));
        else if (lie == 7) call.proof = new bytes32[](0);
        else return _rewrite(call, log, lie, noise);
        return lie != 1 || call.first != _anchored[log];
    }

    /// @dev Another history from a leaf on that was anchored, with the proof that belongs to it.
    function _rewrite(Call memory call, uint256 log, uint256 lie, uint256 noise) private view returns (bool) {
        bytes32[] memory leaves = _leaves(log, call.second, noise % call.first);
        call.root = Tree.root(leaves, 0, call.second);
        if (lie == 8) call.proof = Tree.proof(leaves, call.first, call.second);
        return true;
    }

    function _send(uint256 log, uint256 who, Call memory call, bool honest) private {
        bool lawful = honest && _anchors[who];
        Origin origin = _origin(log);
        VM.recordLogs();
        VM.prank(_person(who));
        try registry.anchor(
            origin, uint64(call.first), uint64(call.second), call.root, call.caseMap, call.proof
        ) {
            must(lawful, "a wrong checkpoint was anchored");
            Vm.Log[] memory logs = VM.getRecordedLogs();
            must(logs.length == 1 && logs[0].emitter == address(registry), "exactly one event an entry");
            must(logs[0].topics[1] == Origin.unwrap(origin), "the event of another log");
            must(uint256(logs[0].topics[2]) == call.second, "the event of another size");
            must(keccak256(logs[0].data) == keccak256(abi.encode(call.root, call.caseMap, call.first)), "another event");
            _anchored[log] = call.second;
            _last[log] = ICheckpointRegistry.Checkpoint(uint64(call.second), call.root, call.caseMap);
        } catch {
            must(!lawful, "an honest checkpoint was refused");
            must(VM.getRecordedLogs().length == 0, "a refused entry told of itself");
        }
    }

    /// @dev The admin, or somebody else, seats and unseats anchorers; an anchorer leaves.
    function anchorers(uint256 by, uint256 who, uint256 what) external {
        (by, who, what) = (by % 2 == 0 ? _admin : by % _PEOPLE, who % _PEOPLE, what % 3);
        bytes memory call = what == 0
            ? abi.encodeCall(registry.grantRole, (_ANCHORER, _person(who)))
            : what == 1
                ? abi.encodeCall(registry.revokeRole, (_ANCHORER, _person(who)))
                : abi.encodeCall(registry.renounceRole, (_ANCHORER, _person(by)));
        if (what == 2) who = by;
        VM.prank(_person(by));
        (bool done,) = address(registry).call(call);
        bool leaves = what != 0 && _anchors[who];
        must(done == ((what == 2 || by == _admin) && !(leaves && _holders == 1)), "who anchors was changed unlawfully");
        if (!done || _anchors[who] == (what == 0)) return;
        _anchors[who] = what == 0;
        _holders = what == 0 ? _holders + 1 : _holders - 1;
    }

    /// @dev The admin's seat passes in two steps with a day between, or does not.
    function hand(uint256 by, uint256 heir, uint256 wait, uint256 what) external {
        VM.warp(_now += wait % 2 days);
        by = by % _PEOPLE;
        (address pending, uint48 schedule) = registry.pendingDefaultAdmin();
        bool ripe = schedule != 0 && block.timestamp > schedule;
        VM.prank(_person(by));
        if (what % 5 == 0) {
            _expect(abi.encodeCall(registry.acceptDefaultAdminTransfer, ()), _person(by) == pending && ripe);
            if (_person(by) == pending && ripe) _admin = by;
        } else if (what % 5 == 1) {
            _expect(abi.encodeCall(registry.beginDefaultAdminTransfer, (_person(heir % _PEOPLE))), by == _admin);
        } else if (what % 5 == 2) {
            _expect(abi.encodeCall(registry.beginDefaultAdminTransfer, (address(0))), false);
        } else if (what % 5 == 3) {
            _expect(abi.encodeCall(registry.renounceRole, (bytes32(0), _person(by))), by != _admin);
        } else {
            _expect(abi.encodeCall(registry.cancelDefaultAdminTransfer, ()), by == _admin);
        }
    }

    function _expect(bytes memory call, bool lawful) private {
        (bool done,) = address(registry).call(call);
        must(done == lawful, "the admin's seat was handed on unlawfully, or kept unlawfully");
    }

    /// @dev AR1, AR7: what was anchored of each log is there, and nothing else; AR10: somebody anchors, one is admin.
    function isAsBooked() external view {
        for (uint256 log = 0; log < _LOGS; ++log) {
            must(
                keccak256(abi.encode(registry.latest(_origin(log)))) == keccak256(abi.encode(_last[log])),
                "an entry changed or vanished"
            );
        }
        uint256 holders;
        for (uint256 who = 0; who < _PEOPLE; ++who) {
            if (registry.hasRole(_ANCHORER, _person(who))) ++holders;
            must(registry.hasRole(_ANCHORER, _person(who)) == _anchors[who], "who anchors changed by itself");
        }
        must(holders == _holders && holders != 0, "nobody is left to anchor");
        must(registry.defaultAdmin() == _person(_admin), "the admin's seat is another's");
        must(address(registry).balance == 0, "it holds ether");
    }

    function _startAnew() private {
        ++_generation;
        for (uint256 log = 0; log < _LOGS; ++log) {
            delete _anchored[log];
            delete _last[log];
        }
    }

    function _leaves(uint256 log, uint256 size, uint256 forgedFrom) private view returns (bytes32[] memory leaves) {
        leaves = new bytes32[](size);
        for (uint256 i = 0; i < size; ++i) {
            leaves[i] = keccak256(abi.encode(_generation, log, i, i >= forgedFrom));
        }
    }

    function _origin(uint256 log) private view returns (Origin) {
        return Origin.wrap(keccak256(abi.encode(_generation, log)));
    }

    function _person(uint256 who) private pure returns (address) {
        return address(uint160(0x1000 + who));
    }
}

contract RegistryTest {
    RegistryHandler private _handler;
    CheckpointRegistry private _registry;

    function setUp() external {
        _handler = new RegistryHandler();
        _registry = new CheckpointRegistry(address(this), address(this));
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(_handler);
    }

    function invariant_logs_only_grow_and_somebody_anchors() external view {
        _handler.isAsBooked();
    }

    /// @dev AR2, AR3, AR5, AR8 for any numbers at all: without a proof only what no proof could make right is tried.
    function testFuzz_nothing_is_anchored_without_a_proof(
        uint64 first,
        uint64 second,
        bytes32 root,
        bytes32 caseMap,
        bytes32[] calldata proof
    ) external {
        Origin origin = Origin.wrap(keccak256("log"));
        _registry.anchor(origin, 0, 5, keccak256("root"), keccak256("map"), new bytes32[](0));
        try _registry.anchor(origin, first % 8, second, root, caseMap, proof) {
            must(false, "anchored without a proof");
        } catch {
            must(_registry.latest(origin).treeSize == 5, "changed without a proof");
        }
    }

    /// @dev A log's first checkpoint is believed, if it is one.
    function testFuzz_a_first_checkpoint_needs_a_size_two_roots_and_nothing_else(
        uint64 first,
        uint64 second,
        bytes32 root,
        bytes32 caseMap,
        uint8 nodes
    ) external {
        (first, nodes) = (first % 2, nodes % 2);
        if (second % 8 == 0) second = 0;
        if (uint256(root) % 8 == 0) root = 0;
        if (uint256(caseMap) % 8 == 0) caseMap = 0;
        bool lawful = first == 0 && second != 0 && root != 0 && caseMap != 0 && nodes == 0;
        try _registry.anchor(Origin.wrap(root), first, second, root, caseMap, new bytes32[](nodes)) {
            must(lawful, "an empty checkpoint was anchored");
        } catch {
            must(!lawful, "a checkpoint was refused");
        }
    }
}
