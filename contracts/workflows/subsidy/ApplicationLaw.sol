// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Terms} from "../../interfaces/ICaseLedger.sol";
import {ILaw} from "../../interfaces/ILaw.sol";
import {Member} from "../../interfaces/IMembers.sol";
import {ISubsidyLedger} from "../../interfaces/ISubsidyLedger.sol";
import {Words} from "../../libraries/Words.sol";
import {GrantLaw} from "./GrantLaw.sol";
import {Money} from "./Money.sol";

/// @title The subsidy's law from the call to the grant
/// @dev Facts: word 1 the programme's rules and the application; word 2 up to five kinds of applicants that are
/// eligible, blinded, 48 bits each; word 3 up to eight members who checked the application.
library ApplicationLaw {
    using Words for uint256;
    using Words for uint256[];

    // Word 1. The application takes the low 176 bits; its argument has the first three fields in the same places.
    uint256 private constant _OWN_SHARE = 0;
    uint256 private constant _PLANNED = 56;
    uint256 private constant _APPLICANT = 112;
    uint256 private constant _APPLIED_BY = 144;
    uint256 private constant _CALL_ENDS = 176;
    uint256 private constant _RATE = 208;
    uint256 private constant _RATE_IN_EMERGENCY = 222;
    uint256 private constant _USE_WEEKS = 236;
    uint256 private constant _RESOLUTION_REQUIRED = 246;
    uint256 private constant _CHECK_REQUIRED = 247;
    uint256 private constant _COST_PLAN_REQUIRED = 248;
    uint256 private constant _PROOF_REQUIRED = 249;
    uint256 private constant _OWN_FUNDS_FIRST = 250;
    uint256 private constant _EMERGENCY = 251;
    uint256 private constant _RESOLVED = 252;

    // What else the argument of an application has: kind (48 bits), total of the cost plan (62), two flags.
    uint256 private constant _KIND = 144;
    uint256 private constant _PLAN_TOTAL = 192;
    uint256 private constant _IN_EMERGENCY = 254;
    uint256 private constant _PROOF_GIVEN = 255;

    // The argument of a grant: amount (56 bits), advance (56), starts (32), ends (32), rate (all above).
    uint256 private constant _GRANT_STARTS = 112;
    uint256 private constant _GRANT_ENDS = 144;
    uint256 private constant _GRANT_RATE = 176;

    uint256 internal constant SIZE = 4;
    uint256 private constant _KINDS_BITS = 240;
    uint256 private constant _CHECKERS = 8;
    uint256 private constant _MOST_WEEKS = 520;
    uint256 private constant _RETURNED = 3;

    /// @dev Open a programme: the arguments are words 1 and 2 as they will be remembered.
    function open(uint256[] calldata arguments) internal pure returns (uint256[] memory facts) {
        (uint256 rules, uint256 kinds) = (arguments[0], arguments[1]);
        uint256 weeksToUse = rules.get(_USE_WEEKS, 10);
        if (
            rules << 256 - _CALL_ENDS != 0 || rules >> _EMERGENCY != 0 || rules.get(_RATE, 14) > Money.WHOLE
                || rules.get(_RATE_IN_EMERGENCY, 14) > Money.WHOLE || weeksToUse == 0 || weeksToUse > _MOST_WEEKS
        ) revert ILaw.ArgumentOutOfRange(0, rules);
        if (kinds >> _KINDS_BITS != 0) revert ILaw.ArgumentOutOfRange(1, kinds);
        facts = new uint256[](SIZE);
        facts.put(1, rules);
        facts.put(2, kinds);
    }

    /// @dev Take in an application, or the amended one: only a first one must keep to the call's term.
    function applyFor(uint256[] memory facts, Terms terms, uint256 state, uint256 argument) internal pure {
        uint256 rules = facts.wordAt(1);
        uint256 planned = argument.get(_PLANNED, 56);
        Money.requireAmount(0, planned);
        if (argument.get(_OWN_SHARE, 56) > Money.MOST) revert ILaw.ArgumentOutOfRange(0, argument);
        if (argument.get(_APPLICANT, 32) == 0) revert ILaw.ArgumentOutOfRange(0, argument);
        if (state == _RETURNED) requireOwnCase(rules, terms);
        else _requireInTime(terms.moment(), Money.moment(rules.get(_CALL_ENDS, 32)));
        _requireEligible(facts.wordAt(2), argument.get(_KIND, 48));
        uint256 total = argument.get(_PLAN_TOTAL, 62);
        if (total == 0 ? rules.flag(_COST_PLAN_REQUIRED) : total != planned) {
            revert ISubsidyLedger.CostPlanDoesNotAddUp(total, planned);
        }
        if (rules.flag(_PROOF_REQUIRED) && !argument.flag(_PROOF_GIVEN)) revert ISubsidyLedger.OwnShareProofMissing();
        unchecked {
            facts.put(1, (rules >> _CALL_ENDS << _CALL_ENDS & ~(1 << _EMERGENCY)) | argument << 256 - _KIND >> 256 - _KIND
                | uint256(Member.unwrap(terms.member())) << _APPLIED_BY | (argument >> _IN_EMERGENCY & 1) << _EMERGENCY);
        }
        facts.put(3, 0);
    }

    /// @dev Note who checked, once each.
    function check(uint256[] memory facts, Terms terms) internal pure {
        requireOthersCase(facts.wordAt(1), terms);
        uint256 member = Member.unwrap(terms.member());
        uint256 checkers = facts.wordAt(3);
        unchecked {
            for (uint256 bit = 0; bit < 32 * _CHECKERS; bit += 32) {
                uint256 checker = checkers.get(bit, 32);
                if (checker == member) return;
                if (checker == 0) {
                    facts.put(3, checkers | member << bit);
                    return;
                }
            }
        }
        revert ISubsidyLedger.ListFull(_CHECKERS);
    }

    /// @dev Note that the council resolved.
    function resolve(uint256[] memory facts, Terms terms) internal pure {
        uint256 rules = facts.wordAt(1);
        if (terms.role() == GrantLaw.ROLE_APPLICANT) requireOwnCase(rules, terms);
        facts.put(1, rules | 1 << _RESOLVED);
    }

    /// @dev Whoever is the first to apply to a programme makes it his case.
    function requireOwnCase(uint256 rules, Terms terms) internal pure {
        GrantLaw.requireEither(rules >> _APPLICANT, terms);
    }

    /// @dev Who applied neither checks nor decides.
    function requireOthersCase(uint256 rules, Terms terms) internal pure {
        GrantLaw.requireNeither(rules >> _APPLICANT, terms);
    }

    /// @dev Nor does who checked the application decide on it.
    function requireFourEyes(uint256 rules, uint256 checkers, Terms terms) internal pure {
        requireOthersCase(rules, terms);
        uint256 member = Member.unwrap(terms.member());
        for (; checkers != 0; checkers >>= 32) {
            if (uint32(checkers) == member) revert ILaw.FourEyes(terms.member());
        }
    }

    /// @dev Grant: what is remembered from now on is the money. Conditions follow the argument, each a word of its own.
    function grant(uint256[] memory facts, Terms terms, uint256[] calldata arguments)
        internal
        pure
        returns (uint256[] memory)
    {
        if (arguments.length == 0) revert ILaw.WrongArguments(terms.action(), 0);
        uint256 rules = facts.wordAt(1);
        uint256 given = arguments[0];
        uint256 checkers = facts.wordAt(3);
        if (checkers == 0 && rules.flag(_CHECK_REQUIRED)) revert ISubsidyLedger.CheckFirst();
        requireFourEyes(rules, checkers, terms);
        if (rules.flag(_RESOLUTION_REQUIRED) && !rules.flag(_RESOLVED)) revert ISubsidyLedger.ResolutionMissing();
        uint256 cap = rules.get(rules.flag(_EMERGENCY) ? _RATE_IN_EMERGENCY : _RATE, 14);
        _requireWithinRules(rules.get(_PLANNED, 56), cap, given);
        return GrantLaw.granted(
            given,
            rules.get(_USE_WEEKS, 10),
            (rules >> _APPLICANT & type(uint64).max) | cap << 64,
            rules.flag(_OWN_FUNDS_FIRST) ? rules.get(_OWN_SHARE, 56) | 1 << 255 : 0,
            arguments
        );
    }

    function _requireWithinRules(uint256 planned, uint256 cap, uint256 given) private pure {
        uint256 rate = given >> _GRANT_RATE;
        if (rate > cap) revert ISubsidyLedger.RateBeyondProgramme(rate, cap);
        uint256 most = Money.share(planned, rate);
        uint256 amount = given.get(0, 56);
        Money.requireAmount(0, amount);
        if (amount > most) revert ISubsidyLedger.GrantBeyondRate(amount, most);
        (uint256 starts, uint256 ends) = (given.get(_GRANT_STARTS, 32), given.get(_GRANT_ENDS, 32));
        unchecked {
            if (starts > ends - 1) revert ISubsidyLedger.PeriodReversed(Money.moment(starts), Money.moment(ends));
        }
    }

    /// @dev Of a first application only; one that was returned to be amended came in time. Without an end, the latest
    /// moment is the one before 0, later than every other.
    function _requireInTime(uint256 moment, uint256 ends) private pure {
        unchecked {
            if (moment > ends - 1) revert ISubsidyLedger.ApplicationTooLate(moment, ends);
        }
    }

    function _requireEligible(uint256 kinds, uint256 kind) private pure {
        for (; kinds != 0; kinds >>= 48) {
            if (uint48(kinds) == kind) return;
        }
        revert ISubsidyLedger.ApplicantNotEligible(kind);
    }
}
