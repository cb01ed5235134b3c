// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Terms} from "../../interfaces/ICaseLedger.sol";
import {ILaw} from "../../interfaces/ILaw.sol";
import {IParkingFineLedger} from "../../interfaces/IParkingFineLedger.sol";
import {Member} from "../../interfaces/IMembers.sol";
import {Words} from "../../libraries/Words.sol";
import "./Numbers.sol";

/// @title The terms of a parking fine and the appeals against it (requirements FI4, FI5, FI6, FI8)
/// @dev Moments are computed by calendars that no contract has, and come as arguments; what is required of them is that
/// they are not earlier than the days of the rules allow.
abstract contract AppealLaw is ILaw, IParkingFineLedger {
    using Words for uint256;

    uint256 private constant _SECOND = 1e6;
    uint256 private constant _DAY = 1 days * _SECOND;

    // In spring, days are an hour shorter than they count.
    uint256 private constant _DAYLIGHT_SAVING = 1 hours * _SECOND;

    uint256 private constant _MOMENTS = 4;

    function _serve(uint256 moment, uint256 word, uint256[] memory facts, uint256 terms)
        internal
        pure
        returns (uint256[] memory)
    {
        uint256 rung = word.get(RUNG, RUNG_BITS);
        uint256 moments = _moments(facts);
        if (rung != NOTICE_SENT) {
            if (rung < NOTICE_SENT) revert NoticeFirst(rung);
            revert ServedOnce(_moment(moments, APPEAL_ENDS));
        }
        if (terms >> _MOMENTS * MOMENT_BITS != 0) revert ArgumentOutOfRange(0, terms);
        unchecked {
            // A term ends with its last day, and a rung may be climbed as the counted day begins.
            uint256 begins = moment - _DAY;
            _requireTerm(terms, APPEAL_ENDS, moment + word.get(APPEAL_DAYS, DAYS_BITS) * _DAY);
            _requireTerm(terms, COURT_ENDS, moment + word.get(COURT_DAYS, DAYS_BITS) * _DAY);
            _requireTerm(terms, COLLECTION_STARTS, begins + word.get(COLLECTION_DAYS, DAYS_BITS) * _DAY);
            uint256 penaltyDays = word.get(PENALTY_DAYS, DAYS_BITS);
            if (penaltyDays != NO_PENALTY) _requireTerm(terms, PENALTY_STARTS, begins + penaltyDays * _DAY);
            else if (_moment(terms, PENALTY_STARTS) != 0) revert ArgumentOutOfRange(0, terms);
        }
        // An appeal that was withdrawn or decided before service is over: what that closed is not opened again.
        if (moments.get(APPEAL_ENDS, MOMENT_BITS) != 0) terms = terms >> PENALTY_STARTS << PENALTY_STARTS;
        return _withMoments(facts, word.set(RUNG, RUNG_BITS, NOTIFIED), terms | moments);
    }

    // A fine opens without a person: whoever first acts as applicant is the one whom it concerns.
    function _appeal(Member member, uint256 word, uint256[] memory facts) internal pure returns (uint256[] memory) {
        return _withMoments(
            facts, _undecided(word), _moments(facts).set(PERSON_CONCERNED, MEMBER_BITS, Member.unwrap(member))
        );
    }

    function _requireAppeal(uint256 action, uint256 moment, uint8 state, uint256 word, uint256 moments) internal pure {
        if (state < NOTICE_SENT && !word.flag(APPEAL_BEFORE_NOTICE)) revert NothingToAppealYet();
        if (action == APPEAL_TO_AUTHORITY) {
            uint256 appealEnds = _moment(moments, APPEAL_ENDS);
            if (appealEnds != 0 && moment >= appealEnds) revert AppealTooLate(moment, appealEnds);
        } else {
            if (!word.flag(COURT_DIRECTLY) && !word.flag(AUTHORITY_DECIDED)) revert AuthorityFirst();
            uint256 courtEnds = _moment(moments, COURT_ENDS);
            if (courtEnds != 0 && moment >= courtEnds) revert CourtAppealTooLate(moment, courtEnds);
        }
    }

    function _forward(uint256 word) internal pure returns (uint256) {
        if (word.flag(FORWARDED)) revert ForwardedOnce();
        return word | 1 << FORWARDED;
    }

    function _decide(Member member, uint8 state, uint256 word, uint256 moments, uint256 dismissed)
        internal
        pure
        returns (uint8, uint256)
    {
        _requireNotOwn(member, word, moments);
        if (word.flag(DECIDED)) revert DecidedOnce();
        if (dismissed > 1) revert ArgumentOutOfRange(0, dismissed);
        return dismissed == 1 ? (DISMISSED, word) : (state, word | 1 << DECIDED);
    }

    // After the authority's decision the way to the court is open for a term; after a court's none is left.
    function _serveDecision(
        uint256 moment,
        uint8 state,
        uint256 word,
        uint256[] memory facts,
        uint256[] calldata arguments
    ) internal pure returns (uint256[] memory) {
        if (!word.flag(DECIDED)) revert DecisionFirst();
        uint256 moments = _closed(moment, facts);
        if (state != APPEALED_TO_COURT) {
            uint256 courtEnds = _only(SERVE_DECISION, arguments);
            if (courtEnds >> MOMENT_BITS != 0) revert ArgumentOutOfRange(0, courtEnds);
            moments = moments.set(COURT_ENDS, MOMENT_BITS, courtEnds);
            unchecked {
                _requireTerm(
                    moments, COURT_ENDS, moment + word.get(COURT_DAYS_AFTER_DECISION, DAYS_BITS) * _DAY
                );
            }
        } else if (arguments.length != 0) {
            revert WrongArguments(SERVE_DECISION, arguments.length);
        }
        return _withMoments(facts, _undecided(word) | 1 << AUTHORITY_DECIDED, moments);
    }

    function _withdraw(Terms terms, uint256 word, uint256[] memory facts) internal pure returns (uint256[] memory) {
        _requireOwn(terms.member(), _moments(facts));
        return _withMoments(facts, _undecided(word), _closed(terms.moment(), facts));
    }

    function _undecided(uint256 word) internal pure returns (uint256) {
        return word & ~(1 << DECIDED);
    }

    function _requireNotOwn(Member member, uint256 word, uint256 moments) internal pure {
        if (uint32(word) == Member.unwrap(member)) revert NobodyDecidesInOwnCase(member);
        _requireNotConcerned(member, moments);
    }

    function _requireNotConcerned(Member member, uint256 moments) internal pure {
        if (_concerned(moments) == Member.unwrap(member)) revert NobodyDecidesInOwnCase(member);
    }

    function _requireOwn(Member member, uint256 moments) internal pure {
        uint256 concerned = _concerned(moments);
        if (concerned != 0 && concerned != Member.unwrap(member)) revert OwnCaseOnly(member);
    }

    function _concerned(uint256 moments) private pure returns (uint256) {
        return moments >> PERSON_CONCERNED;
    }

    function _only(uint256 action, uint256[] calldata arguments) internal pure returns (uint256) {
        if (arguments.length != 1) revert WrongArguments(action, arguments.length);
        return arguments[0];
    }

    function _moments(uint256[] memory facts) internal pure returns (uint256) {
        return facts.length > 2 ? facts[2] : 0;
    }

    // In microseconds; 0 for none.
    function _moment(uint256 moments, uint256 bit) internal pure returns (uint256) {
        unchecked {
            return moments.get(bit, MOMENT_BITS) * _SECOND;
        }
    }

    function _closed(uint256 moment, uint256[] memory facts) private pure returns (uint256) {
        uint256 second = moment / _SECOND;
        return _moments(facts).set(APPEAL_ENDS, MOMENT_BITS, second).set(COURT_ENDS, MOMENT_BITS, second);
    }

    function _withMoments(uint256[] memory facts, uint256 word, uint256 moments)
        private
        pure
        returns (uint256[] memory)
    {
        if (facts.length == 2) facts = new uint256[](3);
        facts[1] = word;
        facts[2] = moments;
        return facts;
    }

    function _requireTerm(uint256 moments, uint256 bit, uint256 counted) private pure {
        uint256 ends = _moment(moments, bit);
        unchecked {
            if (ends + _DAYLIGHT_SAVING < counted) revert TermTooShort(ends, counted - _DAYLIGHT_SAVING);
        }
    }
}
