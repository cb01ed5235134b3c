// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";
import {CaseKey, Standing, Terms} from "../interfaces/ICaseLedger.sol";
import {Member} from "../interfaces/IMembers.sol";
import {LawHarness} from "../mocks/LawHarness.sol";
import {VM, Vm, must} from "./Vm.sol";

/// @title A signer that costs a hash: it has signed whatever comes with the hash of that and of itself
contract Seal is IERC1271 {
    /// @inheritdoc IERC1271
    function isValidSignature(bytes32 digest, bytes calldata signature) external view returns (bytes4) {
        bool signed = keccak256(signature) == keccak256(abi.encode(sealed_(digest)));
        return signed ? IERC1271.isValidSignature.selector : bytes4(0);
    }

    function sealed_(bytes32 digest) public view returns (bytes32) {
        return keccak256(abi.encode(digest, address(this)));
    }
}

/// @title An office that takes steps: signs them as members do, relays them, and keeps its own book of each case
/// @dev Everything goes through `take`. What the contract must do is computed here a second time: what is signed, the
/// link, the head, the standing. What the law answers is asked of the very same code ({LawHarness}), so that only the
/// book of each workflow's test judges the law, never the law itself.
abstract contract Office {
    /// @dev A case as the relayer knows it.
    struct Case {
        bytes16 key;
        uint256 state;
        uint256 sequence;
        uint256 head;
        uint256[] facts;
    }

    uint256 internal constant PEOPLE = 5;
    uint256 internal constant BACKDATING = 1 days;
    uint256 private constant _LOW = 256 - 216;
    bytes32 private constant _STEP = keccak256(
        "Step(bytes16 caseKey,bytes32 commitment,uint64 moment,uint64 deadline,uint32 sequence,uint32 member,"
        "uint8 action,uint8 role,bytes32 previousHead,uint256[] arguments)"
    );

    LawHarness public ledger;
    bytes32 private _domain;
    uint256 internal _moment = block.timestamp * 1e6;
    uint256 private _drawn;

    Case[] internal _cases;
    uint256 internal _current;

    mapping(uint256 who => Seal) private _seals;

    function _found(LawHarness ledger_, string memory workflow) internal {
        ledger = ledger_;
        _domain = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256(bytes(workflow)),
                keccak256("1"),
                block.chainid,
                address(ledger_)
            )
        );
        for (uint256 who = 1; who <= PEOPLE; ++who) {
            if (who > _keys()) _seals[who] = new Seal();
            address signer = who > _keys() ? address(_seals[who]) : VM.addr(who);
            ledger.seat(Member.wrap(uint32(who)), 0x7f, abi.encodePacked(signer));
        }
    }

    /// @dev So many people sign with keys, the others with seals: the curve is tried elsewhere, and would cost more than
    /// the law.
    function _keys() internal pure virtual returns (uint256) {
        return 1;
    }

    /// @dev Let time pass, to the microsecond.
    function _pass(uint256 microseconds) internal {
        _moment += microseconds;
        VM.warp(_moment / 1e6);
    }

    function _open(uint256 action, uint256 role, uint256 who, uint256[] memory arguments) internal returns (bool) {
        _current = _cases.length;
        _cases.push();
        bytes32 commitment = _draw();
        _cases[_current].key = bytes16(commitment);
        bool opened = _take(commitment, action, role, who, arguments);
        if (!opened) {
            _cases.pop();
            if (_current != 0) --_current;
        }
        return opened;
    }

    function _step(uint256 action, uint256 role, uint256 who, uint256[] memory arguments) internal returns (bool) {
        return _take(_draw(), action, role, who, arguments);
    }

    function _step(uint256 action, uint256 role, uint256 who, uint256 argument) internal returns (bool) {
        return _step(action, role, who, _one(argument));
    }

    function _step(uint256 action, uint256 role, uint256 who) internal returns (bool) {
        return _step(action, role, who, new uint256[](0));
    }

    function _one(uint256 argument) internal pure returns (uint256[] memory arguments) {
        arguments = new uint256[](1);
        arguments[0] = argument;
    }

    function _draw() private returns (bytes32) {
        return keccak256(abi.encode(++_drawn));
    }

    /// @dev Take a step or see it refused; in both cases insist on all that the frame promises.
    function _take(bytes32 commitment, uint256 action, uint256 role, uint256 who, uint256[] memory arguments)
        private
        returns (bool allowed)
    {
        Case storage kept = _cases[_current];
        Terms terms = _terms(kept, action, role, who, arguments.length);
        bytes memory witness = abi.encodePacked(kept.facts, arguments);
        uint256 state;
        uint256[] memory facts;
        bytes memory refusal;
        try ledger.decideOne(LawHarness.Question(kept.state, terms, witness)) returns (uint256 s, uint256[] memory f) {
            (allowed, state, facts) = (true, s, f);
        } catch (bytes memory reason) {
            refusal = reason;
            // Relaying is most of what a step costs here: of what the law refuses, every fourth is relayed all the same.
            if (_drawn & 3 != 0) return false;
        }
        bytes memory signed = abi.encodePacked(witness, _sign(who, _digest(kept, commitment, terms, arguments)));
        uint256 before = _standing(kept.key);
        VM.recordLogs();
        (bool success, bytes memory answer) = _relay(kept.key, terms, commitment, signed);
        Vm.Log[] memory logs = VM.getRecordedLogs();
        must(success == allowed, "take and the law differ");
        if (success) {
            _note(kept, commitment, terms, state, facts);
            _mustTell(logs, kept.key);
        } else {
            must(keccak256(answer) == keccak256(refusal), "refused for another reason");
            must(logs.length == 0, "a refused step told of itself");
            must(_standing(kept.key) == before, "a refused step changed the case");
        }
    }

    function _relay(bytes16 key, Terms terms, bytes32 commitment, bytes memory witness)
        internal
        returns (bool success, bytes memory answer)
    {
        return address(ledger).call(_called(key, terms, commitment, witness));
    }

    /// @dev The call, and behind it what the relayer brings along.
    function _called(bytes16 key, Terms terms, bytes32 commitment, bytes memory witness)
        internal
        view
        returns (bytes memory)
    {
        return bytes.concat(abi.encodeCall(ledger.take, (CaseKey.wrap(key), terms, commitment)), witness);
    }

    function _note(Case storage kept, bytes32 commitment, Terms terms, uint256 state, uint256[] memory facts) private {
        bytes32 past = keccak256(abi.encode(kept.head, commitment));
        facts[0] = (uint256(keccak256(abi.encode(past, uint256(uint208(Terms.unwrap(terms)))))) >> 64 << 64) | _moment;
        kept.head = uint256(keccak256(abi.encodePacked(facts))) >> _LOW << _LOW;
        (kept.state, kept.facts, kept.sequence) = (state, facts, kept.sequence + 1);
        must(_standing(kept.key) == _expected(kept), "the standing is not what the step leads to");
    }

    function _mustTell(Vm.Log[] memory logs, bytes16 key) private view {
        must(logs.length == 1 && logs[0].emitter == address(ledger), "exactly one event a step");
        must(logs[0].topics.length == 1 && uint256(logs[0].topics[0]) == _standing(key), "the event of another step");
        must(logs[0].data.length == 0, "an event that says more");
    }

    function _terms(Case storage kept, uint256 action, uint256 role, uint256 who, uint256 arguments)
        internal
        view
        returns (Terms)
    {
        return Terms.wrap(
            _moment | (block.timestamp + 1 hours) << 64 | who << 128 | kept.sequence << 160 | action << 192
                | role << 200 | kept.facts.length << 208 | arguments << 216
        );
    }

    function _digest(Case storage kept, bytes32 commitment, Terms terms, uint256[] memory arguments)
        internal
        view
        returns (bytes32)
    {
        bytes32 content = keccak256(
            abi.encode(
                _STEP,
                kept.key,
                commitment,
                terms.moment(),
                terms.deadline(),
                terms.sequence(),
                terms.member(),
                terms.action(),
                terms.role(),
                kept.head,
                keccak256(abi.encodePacked(arguments))
            )
        );
        return keccak256(abi.encodePacked("\x19\x01", _domain, content));
    }

    function _sign(uint256 who, bytes32 digest) internal view virtual returns (bytes memory) {
        if (who > _keys()) return abi.encode(_seals[who].sealed_(digest));
        (uint8 v, bytes32 r, bytes32 s) = VM.sign(who, digest);
        return abi.encodePacked(r, s, v);
    }

    function _standing(bytes16 key) internal view returns (uint256) {
        return Standing.unwrap(ledger.standingOf(CaseKey.wrap(key)));
    }

    function _expected(Case storage kept) internal view returns (uint256) {
        return kept.head | kept.sequence << 8 | kept.state;
    }

    /// @dev Every case stands where its own last step left it, whatever happened to others.
    function standFast() external view {
        for (uint256 i = 0; i < _cases.length; ++i) {
            must(_standing(_cases[i].key) == _expected(_cases[i]), "a case changed without a step");
        }
    }
}
