// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {LawHarness} from "../mocks/LawHarness.sol";
import {PermitLedger} from "../workflows/PermitLedger.sol";
import {Office} from "./Office.sol";
import {must} from "./Vm.sol";

contract PermitLaw is PermitLedger, LawHarness {
    constructor(address admin, uint64 backdating) PermitLedger(admin, backdating) {}
}

/// @dev Permits that are reviewed, decided, contested, used up and revoked, by anybody and at any moment.
contract PermitHandler is Office {
    struct Book {
        uint256 applicant;
        uint256 officer;
        bool fourEyes;
        uint256 months;
        bool granted;
        bool refused;
        bool over;
        uint256 planned;
        uint256 validUntil;
        uint256 objectionEnds;
        bool objectionsClosed;
        bool documentsOpen;
        uint256 parties;
    }

    uint256 private constant _SECOND = 1e6;
    uint256 private constant _DAY = 1 days * _SECOND;
    uint256 private constant _OFFICES_POLICY = 1 << 98 | 1 << 99 | 56 << 128;
    uint256 private constant _VERSIONS = 8;
    uint256 private constant _PARTIES = 4;

    Book private _book;
    uint256 private _versions; // bit n: version n is known
    uint256[3] private _stage;
    uint256[26] public did;

    constructor() {
        _found(new PermitLaw(address(this), uint64(BACKDATING)), "ledger-automation/permit");
    }

    function begin(uint256 flags, uint256 documents, uint256 who) external {
        if (_cases.length != 0 && !_book.over && flags >> 40 & 15 != 0) return;
        delete _cases;
        delete _book;
        delete _stage;
        (_versions, who) = (0, 1 + who % PEOPLE);
        uint256 role = flags & 1;
        uint256 applicant = role == 0 ? 0 : 1 + (flags >> 8) % PEOPLE;
        uint256 policy = flags >> 24 & 3 == 0 || (role == 0 && flags >> 26 & 3 != 0) ? _OFFICES_POLICY : _policy(flags);
        uint256 ends = _moment / _SECOND + ((policy >> 128) + 1) * 1 days;
        uint256 given = applicant | ends << 64 | policy;
        if (!_did(0, _open(0, role, who, _with(_one(given), 0, documents & documents >> 8)))) return;
        _book.applicant = role == 0 ? who : applicant;
        must(who != _book.applicant || policy == _OFFICES_POLICY, "who applied for himself set the rules");
        (_book.fourEyes, _book.months) = (policy >> 98 & 1 == 1, policy >> 99 & 15);
        _book.planned = ends * _SECOND;
        _versions = documents & documents >> 8 & (2 ** _VERSIONS - 1);
    }

    function _policy(uint256 flags) private pure returns (uint256) {
        uint256 length = 1 + (flags >> 1) % 40;
        return (flags >> 16 & 3 == 0 ? 0 : 1 << 98) | (flags >> 18 & 1) << 99 | length << 128;
    }

    /// @dev The applicant himself, or anybody who says so.
    function _asApplicant(uint256 who) private view returns (uint256) {
        return who >> 128 & 3 != 0 ? _book.applicant : 1 + who % PEOPLE;
    }

    function letter(uint256 what, uint256 paper, uint256 who, uint256 wait) external {
        if (!_goesOn(wait)) return;
        (what, paper, who) = (what % 6, paper % 3, 1 + who % PEOPLE);
        if (what == 5) {
            if (!_did(1, _step(1, 1, who))) return;
            must(_stage[0] == 0 || _stage[0] == 3, "acknowledged by a letter that is not determined");
            _stage[0] = 4;
            return;
        }
        if (!_did(2 + what, _step(2 + what, 1, who, paper))) return;
        uint256 stage = _stage[paper];
        must(stage != 4, "a letter that was sent changed");
        must(what < 2 || stage >= 2, "a letter was not checked before");
        must(what != 4 || stage == 3, "a letter was sent before it was determined");
        _stage[paper] = what == 0 || what == 2 ? 1 : what == 1 ? 2 : what;
    }

    /// @dev PE6: a version is given once. What is brought along as known must be just what is known.
    function supplement(uint256 documents, uint256 lie, uint256 role, uint256 who, uint256 wait) external {
        if (!_goesOn(wait)) return;
        if (role % 3 == 0) {
            if (_did(7, _step(7, 1, 1 + who % PEOPLE))) _book.documentsOpen = true;
            return;
        }
        documents &= documents >> 8 & (2 ** _VERSIONS - 1);
        uint256 known = lie % 4 == 0 ? lie >> 2 & (2 ** _VERSIONS - 1) : _versions;
        bool any = documents != 0;
        uint256[] memory arguments = any ? _with(new uint256[](0), known, documents) : new uint256[](0);
        bool lawful = role % 3 == 1 || _book.documentsOpen;
        who = role % 3 == 1 ? _asApplicant(who) : 1 + who % PEOPLE;
        bool taken = _did(8, _step(8, role % 3 - 1 == 0 ? 0 : 1, who, arguments));
        if (!taken) return;
        must(role % 3 == 2 || who == _book.applicant, "somebody supplemented another's application");
        must(lawful, "supplemented without a request");
        _book.documentsOpen = false;
        if (any) _noteVersions(arguments);
    }

    /// @dev So many as the case knows come first and must be those that it knows; whatever follows is new.
    function _noteVersions(uint256[] memory words) private {
        uint256 left = _versions;
        uint256 place;
        for (uint256 rest = _versions; rest != 0; rest &= rest - 1) {
            left &= ~(1 << words[place++] - 1);
        }
        must(left == 0, "PE6: other documents than those of the case were taken for known");
        for (; place < words.length; ++place) {
            must(_versions >> words[place] - 1 & 1 == 0, "PE6: a version was given a second content");
            _versions |= 1 << words[place] - 1;
        }
    }

    function advice(uint256 what, uint256 parties, uint256 who, uint256 wait) external {
        if (!_goesOn(wait)) return;
        (what, who) = (what % 5, 1 + who % PEOPLE);
        if (what == 0) {
            _did(9, _step(9, 1, who));
        } else if (what == 1) {
            _did(12, _step(12, 1, who));
        } else if (what == 2) {
            parties = parties % 16;
            uint256 packed;
            for (uint256 n = _PARTIES; n != 0; --n) {
                if (parties >> n - 1 & 1 == 1) packed = packed << 32 | n + 1;
            }
            if (_did(10, _step(10, 1, who, packed))) _book.parties |= parties;
        } else if (what == 3) {
            parties = parties % _PARTIES;
            if (_did(11, _step(11, 1, who, parties + 2))) _book.parties &= ~(1 << parties);
        } else {
            _did(11, _step(11, 1, who));
        }
    }

    function extend(uint256 until, uint256 edge, uint256 who, uint256 wait) external {
        if (!_goesOn(wait)) return;
        if (edge % 4 < 2 && _book.planned > _moment) _pass(_book.planned - _moment - edge % 2);
        until = _book.planned / _SECOND + until % 20 days - (until % 5 == 0 ? 10 days : 0);
        if (!_did(13, _step(13, 1, 1 + who % PEOPLE, until))) return;
        must(_moment < _book.planned, "a term was extended after it ended");
        must(until * _SECOND > _book.planned, "a term was extended backwards");
        _book.planned = until * _SECOND;
    }

    /// @dev PE4, PE7.
    function decide(uint256 what, uint256 valid, uint256 who, uint256 wait) external {
        if (!_goesOn(wait)) return;
        (what, who) = (what % 8, what % 8 == 3 ? _asApplicant(who) : 1 + who % PEOPLE);
        valid = valid % 4 == 0 ? 0 : _moment + valid % (200 * _DAY) - (valid % 4 == 1 ? 10 * _DAY : 0);
        if (what < 3) {
            if (!_did(14, _step(14, 1, who))) return;
            must(who != _book.applicant, "PE7: who applied proposed");
            _book.officer = who;
        } else if (what == 3 && valid % 8 == 0) {
            if (!_did(17, _step(17, 0, who))) return;
            must(who == _book.applicant, "somebody withdrew another's application");
            _book.over = true;
        } else if (what > 3) {
            bool grant = what != 4;
            if (!(grant ? _did(15, _step(15, 2, who, valid)) : _did(16, _step(16, 2, who)))) return;
            must(!_book.documentsOpen && _book.parties == 0, "decided though something is missing");
            _mustBeOther(who);
            (_book.granted, _book.refused, _book.officer) = (grant, !grant, who);
            _book.validUntil = grant ? valid : 0;
            must(!grant || valid == 0 || valid > _moment, "granted until before");
        }
    }

    function _mustBeOther(uint256 who) private view {
        must(who != _book.applicant, "PE7: who applied decided");
        must(!_book.fourEyes || (_book.officer != 0 && _book.officer != who), "PE4: two eyes decided");
    }

    function contest(uint256 what, uint256 noise, uint256 who, uint256 wait) external {
        if (!_goesOn(wait)) return;
        what = what % 6;
        who = what == 2 || what == 3 ? _asApplicant(who) : 1 + who % PEOPLE;
        if (what < 2) {
            uint256 ends = _moment / _SECOND + (noise % 8 == 0 ? noise % 40 days : 32 days);
            if (!_did(18, _step(18, 1, who, ends))) return;
            must(_book.months == 0 || ends * _SECOND + _DAY >= _moment + 28 * _DAY, "a month of too few days");
            (_book.objectionEnds, _book.objectionsClosed) = (ends * _SECOND, false);
        } else if (what < 4) {
            if (noise % 4 < 2 && _book.objectionEnds > _moment) _pass(_book.objectionEnds - _moment - noise % 2);
            if (!_did(19, _step(19, 0, who))) return;
            must(who == _book.applicant, "somebody objected for another");
            must(!_book.objectionsClosed && _moment < _book.objectionEnds, "an objection after its term");
        } else if (what == 4) {
            if (!_did(20, _step(20, 2, who, noise % 2 == 0 ? 0 : _moment + noise % (90 * _DAY) + 1))) return;
            _mustBeOther(who);
            (_book.granted, _book.refused, _book.officer) = (true, false, who);
            _book.validUntil = noise % 2 == 0 ? 0 : _moment + noise % (90 * _DAY) + 1;
        } else {
            if (!_did(21, _step(21, 2, who))) return;
            _mustBeOther(who);
            (_book.objectionsClosed, _book.objectionEnds) = (true, 0);
        }
    }

    /// @dev PE2: to the microsecond.
    function finish(uint256 what, uint256 edge, uint256 who, uint256 wait) external {
        if (!_goesOn(wait)) return;
        (what, who) = (what % 4, 1 + who % PEOPLE);
        uint256 ends = what == 0 || what == 1 ? _book.objectionEnds : _book.validUntil;
        if (edge % 4 < 2 && ends > _moment) _pass(ends - _moment - edge % 2);
        bool expired = _book.validUntil != 0 && _moment >= _book.validUntil;
        if (what == 0) {
            if (!_did(22, _step(22, 1, who))) return;
            must(_book.granted && _moment >= _book.objectionEnds && !expired, "in force too soon, or expired");
        } else if (what == 1) {
            if (!_did(23, _step(23, 1, who))) return;
            must(_book.refused && _moment >= _book.objectionEnds, "final too soon");
            _book.over = true;
        } else if (what == 2) {
            if (!_did(24, _step(24, 5, who))) return;
            must(_book.granted && expired, "PE2: expired before the moment");
            _book.over = true;
        } else if (edge % 8 == 7 || edge % 8 < 2) {
            if (!_did(25, _step(25, 2, who))) return;
            must(_book.granted && !expired, "PE2: used after the moment");
            must(who != _book.applicant, "PE7: who applied decided");
            _book.over = true;
        }
    }

    /// @dev The head commits to what the book knows.
    function isAsBooked() external view {
        if (_cases.length == 0) return;
        uint256 word = _cases[_current].facts[1];
        must(uint32(word) == _book.applicant && uint32(word >> 32) == _book.officer, "other people");
        must((word >> 98 & 1 == 1) == _book.fourEyes, "another policy");
        must((word >> 103 & 3) == (_book.granted ? 1 : _book.refused ? 2 : 0), "another outcome");
        if (_book.granted) must(word >> 128 == _book.validUntil, "another end of the permit");
    }

    function _with(uint256[] memory first, uint256 known, uint256 fresh) private pure returns (uint256[] memory words) {
        words = new uint256[](first.length + 2 * _VERSIONS);
        uint256 size = first.length;
        for (uint256 i = 0; i < size; ++i) {
            words[i] = first[i];
        }
        for (uint256 bit = 0; bit < 2 * _VERSIONS; ++bit) {
            uint256 set = bit < _VERSIONS ? known >> bit : fresh >> (bit - _VERSIONS);
            if (set & 1 == 1) words[size++] = 1 + bit % _VERSIONS;
        }
        assembly ("memory-safe") {
            mstore(words, size)
        }
    }

    /// @dev PE3: after an end nothing happens any more.
    function _did(uint256 action, bool done) private returns (bool) {
        if (!done) return false;
        must(!_book.over, "PE3: something was done after the end");
        must(action < 18 || _book.granted || _book.refused, "something was done before the decision");
        must(action > 17 || (!_book.granted && !_book.refused), "something was done after the decision");
        ++did[action];
        return true;
    }

    function _goesOn(uint256 wait) private returns (bool) {
        _pass(wait % 16 == 0 ? wait % 60 days * _SECOND : wait % 1 days * 1e3);
        return _cases.length != 0;
    }
}

contract PermitTest {
    PermitHandler private _handler;

    function setUp() external {
        _handler = new PermitHandler();
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(_handler);
    }

    function invariant_permits_end_when_they_end_and_two_people_decide() external view {
        _handler.standFast();
        _handler.isAsBooked();
    }

    /// @dev What shows nothing would also pass: a seeded walk must take every action there is.
    function test_a_walk_takes_every_action() external {
        for (uint256 i = 0; i < 18_000; ++i) {
            (uint256 a, uint256 b, uint256 c, uint256 d, uint256 e) =
                (_draw(i, 0), _draw(i, 1), _draw(i, 2), _draw(i, 3), _draw(i, 4));
            uint256 what = a % 32;
            a >>= 8;
            if (what < 4) _handler.begin(a, b, c);
            else if (what < 10) _handler.letter(a, b, c, d);
            else if (what < 13) _handler.supplement(a, b, c, d, e);
            else if (what < 16) _handler.advice(a, b, c, d);
            else if (what < 17) _handler.extend(a, b, c, d);
            else if (what < 24) _handler.decide(a, b, c, d);
            else if (what < 29) _handler.contest(a, b, c, d);
            else _handler.finish(a, b, c, d);
            _handler.isAsBooked();
        }
        for (uint256 action = 0; action < 26; ++action) {
            must(_handler.did(action) != 0, string.concat("never taken: ", string(abi.encodePacked(uint8(65 + action)))));
        }
    }

    function _draw(uint256 i, uint256 j) private pure returns (uint256) {
        return uint256(keccak256(abi.encode(i, j)));
    }
}
