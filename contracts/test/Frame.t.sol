// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Terms} from "../interfaces/ICaseLedger.sol";
import {Member} from "../interfaces/IMembers.sol";
import {LawHarness} from "../mocks/LawHarness.sol";
import {StallLedger} from "../mocks/StallLedger.sol";
import {Office} from "./Office.sol";
import {VM, must} from "./Vm.sol";

contract StallLaw is StallLedger, LawHarness {
    constructor(address admin, uint64 backdating) StallLedger(admin, backdating) {}
}

/// @dev Cases of the toy workflow, and members who come, go, and change their keys meanwhile.
contract FrameHandler is Office {
    uint256 private constant _KEYS = 8;
    uint256 private constant _MOST_CASES = 12;

    /// @dev The book: each member's key and roles, and who holds a key.
    mapping(uint256 member => uint256) private _keyOf;
    mapping(uint256 member => uint256) private _rolesOf;
    mapping(uint256 key => uint256) private _holder;

    mapping(uint256 key => bytes) private _signerOf;

    constructor() {
        for (uint256 key = 1; key <= _KEYS; ++key) {
            _signerOf[key] = abi.encodePacked(VM.addr(key));
        }
        _found(new StallLaw(address(this), uint64(BACKDATING)), "ledger-automation/market_stall");
        for (uint256 who = 1; who <= PEOPLE; ++who) {
            (_keyOf[who], _rolesOf[who], _holder[who]) = (who, 0x7f, who);
        }
    }

    function open(uint256 who, uint256 wait) external {
        _pass(wait % 1e9);
        if (_cases.length == _MOST_CASES) delete _cases;
        who = _person(who);
        if (_rolesOf[who] & 1 == 1) _open(0, 0, who, new uint256[](0));
    }

    function allot(uint256 pick, uint256 who, uint256 role, uint256 fee, uint256 wait) external {
        _choose(pick);
        if (_cases.length != 0) _step(1, role % 7, _person(who), fee % 5 == 0 ? fee : fee % 3, wait);
    }

    function giveUp(uint256 pick, uint256 who, uint256 wait) external {
        _choose(pick);
        if (_cases.length != 0) _step(2, 0, _person(who), new uint256[](0), wait);
    }

    /// @dev Any action with any number of arguments.
    function anything(uint256 pick, uint8 action, uint8 role, uint256 who, uint256[3] calldata given, uint256 wait)
        external
    {
        _choose(pick);
        uint256[] memory arguments = new uint256[](given[0] % 4);
        for (uint256 i = 0; i < arguments.length; ++i) {
            arguments[i] = given[i];
        }
        if (_cases.length != 0) _step(action % 4, role % 8, _person(who), arguments, wait);
    }

    /// @dev Somebody is seated, moved to another key, or dismissed; by the admin or by a stranger.
    function seat(uint256 member, uint256 key, uint8 roles, bool stranger) external {
        (member, key) = (member % (PEOPLE + 1), 1 + key % _KEYS);
        bytes memory signer = _signerOf[key];
        bool lawful = !stranger && member != 0 && roles < 0x80 && (_holder[key] == 0 || _holder[key] == member);
        if (stranger) VM.prank(address(0xbad));
        try ledger.seat(Member.wrap(uint32(member)), roles, signer) {
            must(lawful, "an unlawful seat was given");
            _holder[_keyOf[member]] = 0;
            (_keyOf[member], _rolesOf[member], _holder[key]) = (key, roles, member);
        } catch {
            must(!lawful, "a lawful seat was refused");
        }
    }

    /// @dev One member one signer, one signer one member; and nothing but {seat} changes that.
    function seatsAreAsGiven() external view {
        for (uint256 member = 1; member <= PEOPLE; ++member) {
            (uint8 roles, bytes memory signer) = ledger.seatOf(Member.wrap(uint32(member)));
            must(roles == _rolesOf[member], "roles changed by themselves");
            must(keccak256(signer) == keccak256(_signerOf[_keyOf[member]]), "a signer changed by itself");
            must(_holder[_keyOf[member]] == member, "two members with one signer");
        }
    }

    function _step(uint256 action, uint256 role, uint256 who, uint256 argument, uint256 wait) private {
        _step(action, role, who, _one(argument), wait);
    }

    /// @dev A member whose role was taken from it does not act, whatever the table says.
    function _step(uint256 action, uint256 role, uint256 who, uint256[] memory arguments, uint256 wait) private {
        _pass(wait % 1e9);
        if (_rolesOf[who] >> role & 1 == 1) _step(action, role, who, arguments);
        else _mustRefuse(action, role, who, arguments);
    }

    function _mustRefuse(uint256 action, uint256 role, uint256 who, uint256[] memory arguments) private {
        Terms terms = _terms(_cases[_current], action, role, who, arguments.length);
        bytes32 commitment = bytes32(uint256(1));
        bytes memory signature = _sign(who, _digest(_cases[_current], commitment, terms, arguments));
        bytes memory witness = abi.encodePacked(_cases[_current].facts, arguments, signature);
        (bool success,) = _relay(_cases[_current].key, terms, commitment, witness);
        must(!success, "who holds no role acted");
    }

    function _sign(uint256 who, bytes32 digest) internal view override returns (bytes memory) {
        return Office._sign(_keyOf[who], digest);
    }

    /// @dev Seats move between keys here.
    function _keys() internal pure override returns (uint256) {
        return _KEYS;
    }

    function _choose(uint256 pick) private {
        if (_cases.length != 0) _current = pick % _cases.length;
    }

    function _person(uint256 who) private pure returns (uint256) {
        return 1 + who % PEOPLE;
    }
}

contract FrameTest is Office {
    FrameHandler private _handler;

    function setUp() external {
        _handler = new FrameHandler();
        _found(new StallLaw(address(this), uint64(BACKDATING)), "ledger-automation/market_stall");
    }

    /// @dev Everybody signs with a key: every bit of a signature of the curve is flipped here.
    function _keys() internal pure override returns (uint256) {
        return PEOPLE;
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(_handler);
    }

    function invariant_only_signed_steps_change_a_case_and_only_the_admin_a_seat() external view {
        _handler.standFast();
        _handler.seatsAreAsGiven();
    }

    /// @dev Every bit that a relayer sends is signed, checked, or without any effect.
    function testFuzz_no_bit_of_a_signed_step_can_be_changed(uint16 bit, uint64 fee) external {
        fee = fee == 0 ? 1 : fee;
        _open(0, 0, 1, new uint256[](0));
        Case storage kept = _cases[_current];
        Terms terms = _terms(kept, 1, 1, 2, 1);
        bytes32 commitment = keccak256("allotted");
        bytes memory signature = _sign(2, _digest(kept, commitment, terms, _one(fee)));
        bytes memory call = _called(kept.key, terms, commitment, abi.encodePacked(kept.facts, _one(fee), signature));
        uint256 place = uint256(bit) % (call.length * 8);
        call[place / 8] ^= bytes1(uint8(0x80 >> (place % 8)));
        uint256 before = _standing(kept.key);
        (bool success,) = address(ledger).call(call);
        if (place >= (4 + 32) * 8 && place < (4 + 32) * 8 + 32) must(success, "the top of the terms means nothing");
        else must(!success && _standing(kept.key) == before, "a changed step was taken");
    }

    /// @dev Whoever relays a first step may bring facts along, which nobody signed: they must have no effect.
    function testFuzz_a_case_does_not_open_with_invented_facts(uint256[4] calldata facts, uint256 count) external {
        uint256[] memory invented = new uint256[](count % 5);
        for (uint256 i = 0; i < invented.length; ++i) {
            invented[i] = facts[i];
        }
        Case memory opened;
        bytes32 commitment = keccak256("opened");
        opened.key = bytes16(commitment);
        _cases.push(opened);
        Terms honest = _terms(_cases[0], 0, 0, 1, 0);
        bytes memory signature = _sign(1, _digest(_cases[0], commitment, honest, new uint256[](0)));
        Terms terms = Terms.wrap(Terms.unwrap(honest) | invented.length << 208);
        (bool success,) = _relay(opened.key, terms, commitment, abi.encodePacked(invented, signature));
        must(success, "a first step was refused");
        bytes32 past = keccak256(abi.encode(uint256(0), commitment));
        uint256 link = uint256(keccak256(abi.encode(past, uint256(uint208(Terms.unwrap(honest))))));
        link = (link >> 64 << 64) | _moment;
        uint256 head = uint256(keccak256(abi.encode(link, uint256(1)))) >> 40 << 40;
        must(_standing(opened.key) == (head | 1 << 8 | 1), "invented facts were remembered");
    }

    /// @dev A signature is used once, in one form.
    function testFuzz_a_signature_has_one_form(bytes32 drawn, uint8 v) external {
        if (drawn == 0) drawn = keccak256("drawn"); // a commitment of zero opens nothing
        Case memory opened;
        opened.key = bytes16(drawn);
        _cases.push(opened);
        Terms terms = _terms(_cases[0], 0, 0, 1, 0);
        bytes32 digest = _digest(_cases[0], drawn, terms, new uint256[](0));
        (uint8 right, bytes32 r, bytes32 s) = VM.sign(1, digest);
        uint256 order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141;
        _mustNotTake(drawn, terms, abi.encodePacked(r, order - uint256(s), right == 27 ? 28 : 27));
        _mustNotTake(drawn, terms, abi.encodePacked(r, s | bytes32(uint256(right - 27) << 255)));
        if (v != right) _mustNotTake(drawn, terms, abi.encodePacked(r, s, v));
        (bool success,) = _relay(opened.key, terms, drawn, abi.encodePacked(r, s, right));
        must(success, "the signature was refused");
        _mustNotTake(drawn, terms, abi.encodePacked(r, s, right));
    }

    function _mustNotTake(bytes32 commitment, Terms terms, bytes memory signature) private {
        (bool success,) = _relay(bytes16(commitment), terms, commitment, signature);
        must(!success, "another form of the signature was taken");
    }
}
