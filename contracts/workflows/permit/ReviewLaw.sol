// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Terms} from "../../interfaces/ICaseLedger.sol";
import {ILaw} from "../../interfaces/ILaw.sol";
import {IPermitLedger} from "../../interfaces/IPermitLedger.sol";
import {Member} from "../../interfaces/IMembers.sol";
import {Words} from "../../libraries/Words.sol";
import {Documents} from "./Documents.sol";
import "./Numbers.sol";
import {Parties} from "./Parties.sol";

/// @title A permit before the decision: the application, its letters, and the branches of completeness and of advice
abstract contract ReviewLaw is ILaw, IPermitLedger {
    using Words for uint256;

    uint256 private constant _ROLE_APPLICANT = 0;

    // A letter's stages; none is 0.
    uint256 private constant _DRAFTED = 1;
    uint256 private constant _CHECKED = 2;
    uint256 private constant _DETERMINED = 3;
    uint256 private constant _SENT = 4;
    uint256 private constant _STAGE_BITS = 3;
    uint256 private constant _PAPERS = 3;

    // The argument that opens a case is the word that follows, with the planned days in the digest's place.
    uint256 private constant _MOST_DAYS = 3660;
    uint256 private constant _MOST_MONTHS = 12;

    // The policy of an office, as far as a contract sees it: two pairs of eyes, a month, 56 days.
    uint256 private constant _POLICY = 1 << FOUR_EYES | ((1 << MONTHS_BITS) - 1) << MONTHS | type(uint256).max << DIGEST;
    uint256 private constant _OFFICES_POLICY = 1 << FOUR_EYES | 1 << MONTHS | 56 << DIGEST;

    // A term of days counts local ones: in spring it is an hour shorter than its days.
    uint256 private constant _DAYLIGHT_SAVING = 1 hours * SECOND;

    function _submit(Terms terms, uint256[] calldata arguments) internal pure returns (uint256[] memory facts) {
        if (arguments.length == 0) revert WrongArguments(SUBMIT, 0);
        uint256 given = arguments[0];
        uint256 planned = given >> DIGEST;
        uint256 word = given & (KEPT | ENDS_MASK);
        if (
            word | planned << DIGEST != given || planned == 0 || planned > _MOST_DAYS
                || word.get(MONTHS, MONTHS_BITS) > _MOST_MONTHS
        ) revert ArgumentOutOfRange(0, given);
        if (terms.role() == _ROLE_APPLICANT) word = (word & ~APPLICANT_MASK) | Member.unwrap(terms.member());
        if (word & APPLICANT_MASK == 0) revert ApplicantUnknown();
        if (word & APPLICANT_MASK == Member.unwrap(terms.member()) && given & _POLICY != _OFFICES_POLICY) {
            revert RulesAreTheOffices();
        }
        word = Documents.added(word, arguments, 1);
        _requireTerm(_ends(word), terms.moment() + planned * DAY);
        facts = new uint256[](2);
        facts[1] = word;
    }

    function _acknowledge(uint256 word) internal pure returns (uint256) {
        uint256 stage = word.get(PAPERS, _STAGE_BITS);
        if (stage != 0 && stage != _DETERMINED) revert DeterminationFirst(0, stage);
        return word.set(PAPERS, _STAGE_BITS, _SENT);
    }

    function _letter(uint256 action, uint256 word, uint256 paper) internal pure returns (uint256) {
        if (paper >= _PAPERS) revert ArgumentOutOfRange(0, paper);
        uint256 bit;
        unchecked {
            bit = PAPERS + _STAGE_BITS * paper;
        }
        uint256 stage = word.get(bit, _STAGE_BITS);
        uint256 next = _DRAFTED;
        if (action == SEND_LETTER) {
            if (stage != _DETERMINED) revert DeterminationFirst(paper, stage);
            next = _SENT;
        } else {
            if (stage == _SENT) revert LetterSentAlready(paper);
            if (action == CHECK_LETTER) {
                // The system drafts the acknowledgement, which is the first paper.
                if (stage == 0 && paper != 0) revert DraftFirst(paper, stage);
                next = _CHECKED;
            } else if (action != DRAFT_LETTER) {
                if (stage < _CHECKED) revert CheckFirst(paper, stage);
                if (action == DETERMINE_LETTER) next = _DETERMINED;
            }
        }
        return word.set(bit, _STAGE_BITS, next);
    }

    function _supplement(Terms terms, uint256 word, uint256[] calldata arguments) internal pure returns (uint256) {
        if (terms.role() == _ROLE_APPLICANT) _requireOwn(terms.member(), word);
        else if (!word.flag(DOCUMENTS_OPEN)) revert DocumentsNotRequested();
        word &= ~(1 << DOCUMENTS_OPEN);
        // What came on paper has no hash: nothing is given then, and what is known need not be brought along.
        return arguments.length == 0 ? word : Documents.added(word, arguments, 0);
    }

    function _advise(uint256 action, uint256 word, uint256[] memory facts, uint256[] calldata arguments)
        internal
        pure
        returns (uint256[] memory)
    {
        if (action == REQUEST_ADVICE) {
            return _withParties(
                word | 1 << ADVICE_ASKED, Parties.united(_parties(facts), _only(action, arguments))
            );
        }
        // Internal advice comes from the office itself: it needs no request and answers none.
        if (arguments.length == 0) return facts;
        if (!word.flag(ADVICE_ASKED)) revert AdviceNotRequested();
        return _withParties(word, Parties.without(_parties(facts), _only(action, arguments)));
    }

    function _extend(uint256 moment, uint256 word, uint256 until) internal pure returns (uint256) {
        uint256 planned = _ends(word);
        if (moment >= planned) revert ExtensionTooLate(moment, planned);
        word = _withEnds(word, until);
        if (_ends(word) <= planned) revert ExtensionNotLater(_ends(word), planned);
        return word;
    }

    function _propose(Member member, uint256 word) internal pure returns (uint256) {
        _requireNotOwn(member, word);
        return word.set(OFFICER, MEMBER_BITS, Member.unwrap(member));
    }

    // The word of the parties is there only while some owe advice: in all other steps it would cost for nothing.
    function _parties(uint256[] memory facts) internal pure returns (uint256) {
        return facts.length > 2 ? facts[2] : 0;
    }

    function _withParties(uint256 word, uint256 parties)
        private
        pure
        returns (uint256[] memory next)
    {
        if (parties == 0) {
            next = new uint256[](2);
        } else {
            next = new uint256[](3);
            next[2] = parties;
        }
        next[1] = word;
    }

    function _only(uint256 action, uint256[] calldata arguments) internal pure returns (uint256) {
        if (arguments.length != 1) revert WrongArguments(action, arguments.length);
        return arguments[0];
    }

    function _withEnds(uint256 word, uint256 ends) internal pure returns (uint256) {
        if (ends >> ENDS_BITS != 0) revert ArgumentOutOfRange(0, ends);
        return (word & ~ENDS_MASK) | ends << ENDS;
    }

    function _requireTerm(uint256 ends, uint256 counted) internal pure {
        if (ends + _DAYLIGHT_SAVING < counted) revert TermTooShort(ends, counted - _DAYLIGHT_SAVING);
    }

    function _requireNotOwn(Member member, uint256 word) internal pure {
        if (word & APPLICANT_MASK == Member.unwrap(member)) revert NobodyDecidesInOwnCase(member);
    }

    function _requireOwn(Member member, uint256 word) internal pure {
        if (word & APPLICANT_MASK != Member.unwrap(member)) revert OwnCaseOnly(member);
    }

    // In microseconds.
    function _ends(uint256 word) internal pure returns (uint256) {
        unchecked {
            return word.get(ENDS, ENDS_BITS) * SECOND;
        }
    }
}
