// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Arrays} from "@openzeppelin/contracts/utils/Arrays.sol";
import {Terms} from "../../interfaces/ICaseLedger.sol";
import {ILaw} from "../../interfaces/ILaw.sol";
import {Member} from "../../interfaces/IMembers.sol";
import {ISubsidyLedger} from "../../interfaces/ISubsidyLedger.sol";
import {Words} from "../../libraries/Words.sol";
import {Money} from "./Money.sol";
import {Tranche} from "./Tranche.sol";

/// @title The subsidy's law of the grant as a whole
/// @dev Facts: word 1 the money, every cent of the grant in one of three places (TR8); word 2 what bounds it; then a
/// word for each condition that is open, then one for each tranche ({Tranche}).
library GrantLaw {
    using Tranche for uint256;
    using Arrays for uint256[];
    using Words for uint256;
    using Words for uint256[];

    // Word 1.
    uint256 internal constant OPEN = 0;
    uint256 internal constant CANCELLED = 56;
    uint256 internal constant DISBURSED = 112;
    uint256 internal constant PROVEN = 168;
    uint256 internal constant RATE = 232;
    uint256 internal constant USE_WEEKS = 246;

    // Word 2. Advance, starts and ends have the places that they have in the argument of a grant.
    uint256 internal constant OWN_SHARE = 0;
    uint256 internal constant ADVANCE = 56;
    uint256 internal constant STARTS = 112;
    uint256 internal constant ENDS = 144;
    uint256 internal constant APPLICANT = 176;
    uint256 internal constant CAP = 240;
    uint256 internal constant OWN_FUNDS_FIRST = 255;

    uint256 internal constant ROLE_APPLICANT = 0;

    /// @dev Where the list of conditions and tranches begins, and how long it may get.
    uint256 internal constant LIST = 3;
    uint256 internal constant MOST = 100;

    uint256 private constant _AMOUNT_MASK = 2 ** 56 - 1;

    /// @dev Return what is remembered of a new grant: all of it is open.
    function granted(
        uint256 given,
        uint256 weeksToUse,
        uint256 peopleAndCap,
        uint256 ownShare,
        uint256[] calldata arguments
    ) internal pure returns (uint256[] memory facts) {
        unchecked {
            if (given.get(ADVANCE, 56) > Money.MOST) revert ILaw.ArgumentOutOfRange(0, given);
            uint256 conditions = arguments.length - 1;
            if (conditions > MOST) revert ISubsidyLedger.ListFull(MOST);
            facts = Words.room(LIST + conditions); // the frame writes the first
            facts.put(1, (given & _AMOUNT_MASK) | given >> APPLICANT << RATE | weeksToUse << USE_WEEKS);
            facts.put(2, ownShare | peopleAndCap << APPLICANT | (given.get(ADVANCE, 120) << ADVANCE));
            for (uint256 i = 1; i <= conditions; ++i) {
                if (!arguments[i].isWellFormedCondition()) revert ILaw.ArgumentOutOfRange(i, arguments[i]);
                facts.put(LIST + i - 1, arguments[i]);
            }
        }
    }

    /// @dev Meet a condition: what is met need not be remembered.
    function meet(uint256[] memory facts, Terms terms, uint256 condition) internal pure returns (uint256[] memory) {
        requireOthersCase(facts, terms);
        unchecked {
            uint256 place = LIST;
            while (place < facts.length && !(facts.wordAt(place).isCondition() && facts.wordAt(place).name() == condition)) ++place;
            if (place == facts.length) revert ISubsidyLedger.ConditionUnknown(condition);
            uint256 last = facts.length - 1;
            return facts.replace(place, facts, place + 1, last - place).splice(0, last);
        }
    }

    /// @dev Set another rate: what was paid is paid, the next payment counts with the new one.
    function changeRate(uint256[] memory facts, Terms terms, uint256 rate) internal pure {
        uint256 bounds = facts.wordAt(2);
        requireNeither(bounds >> APPLICANT, terms);
        uint256 cap = bounds.get(CAP, 14);
        if (rate > cap) revert ISubsidyLedger.RateBeyondProgramme(rate, cap);
        facts.put(1, facts.wordAt(1).set(RATE, 14, rate));
    }

    /// @dev Cancel a part of what is open.
    function reduce(uint256[] memory facts, Terms terms, uint256 amount) internal pure {
        Money.requireAmount(0, amount);
        requireOthersCase(facts, terms);
        _requireNoneWaits(facts);
        uint256 left = facts.wordAt(1).get(OPEN, 56);
        if (amount > left) revert ISubsidyLedger.ReductionBeyondOpen(amount, left);
        facts.put(1, _cancelled(facts.wordAt(1), amount));
    }

    /// @dev Cancel all that is open.
    function cancelRest(uint256[] memory facts, Terms terms) internal pure {
        requireOthersCase(facts, terms);
        _requireNoneWaits(facts);
        uint256 left = facts.wordAt(1).get(OPEN, 56);
        if (left == 0) revert ISubsidyLedger.NothingOpen();
        facts.put(1, _cancelled(facts.wordAt(1), left));
    }

    /// @dev Take in the final proof. The argument is the sum of the vouchers (64 bits) | that of the actual spending.
    function finalProof(uint256[] memory facts, Terms terms, uint256 argument) internal pure {
        requireOwnCase(facts, terms);
        uint256 unproven = _requireNoneWaits(facts);
        if (unproven != 0) revert ISubsidyLedger.UseNotProven(unproven.number(), Tranche.DISBURSED);
        (uint256 vouchers, uint256 spent) = (argument.get(0, 64), argument >> 64);
        if (vouchers != spent) revert ISubsidyLedger.VouchersDoNotAddUp(vouchers, spent);
        uint256 proven = facts.wordAt(1).get(PROVEN, 64);
        if (spent < proven) revert ISubsidyLedger.FinalProofBelowTranches(spent, proven);
    }

    /// @dev Close or revoke: nothing stays open.
    function end(uint256[] memory facts, Terms terms) internal pure {
        requireOthersCase(facts, terms);
        facts.put(1, _cancelled(facts.wordAt(1), facts.wordAt(1).get(OPEN, 56)));
    }

    /// @dev Nobody decides in his own case.
    function requireOthersCase(uint256[] memory facts, Terms terms) internal pure {
        requireNeither(facts.wordAt(2) >> APPLICANT, terms);
    }

    /// @dev Neither the applicant nor who handed the application in.
    function requireNeither(uint256 people, Terms terms) internal pure {
        if (isEither(people, Member.unwrap(terms.member()))) revert ILaw.NobodyDecidesInOwnCase(terms.member());
    }

    /// @dev Who acts as applicant acts in his own case only.
    function requireOwnCase(uint256[] memory facts, Terms terms) internal pure {
        requireEither(facts.wordAt(2) >> APPLICANT, terms);
    }

    /// @dev Either the applicant or who handed the application in.
    function requireEither(uint256 people, Terms terms) internal pure {
        if (!isEither(people, Member.unwrap(terms.member()))) revert ILaw.OwnCaseOnly(terms.member());
    }

    /// @dev Whether a member is one of two.
    function isEither(uint256 people, uint256 member) internal pure returns (bool) {
        return apart(people, member) == 0;
    }

    /// @dev Return 0 for a member who is one of two, otherwise some 64 bits: a product is nothing if one of its factors is.
    function apart(uint256 people, uint256 member) internal pure returns (uint256) {
        unchecked {
            return (uint32(people) ^ member) * (uint32(people >> 32) ^ member);
        }
    }

    /// @dev Require that a step happens within the grant's period, and that so much is open.
    function requireGranted(uint256 money, uint256 bounds, uint256 quarter, uint256 asked) internal pure {
        unchecked {
            (uint256 starts, uint256 ends) = (bounds.get(STARTS, 32), bounds.get(ENDS, 32));
            // No end is 0, and one less than that is later than everything. A period starts before it ends: counted from
            // its start, what lies before wraps around to far beyond its end.
            if (quarter - starts > ends - 1 - starts) revert ISubsidyLedger.OutsidePeriod(quarter, starts, ends);
        }
        if (asked > money.get(OPEN, 56)) revert ISubsidyLedger.BeyondGrant(asked, money.get(OPEN, 56));
    }

    /// @dev Pro rata or own funds first, and in both cases the advance that the grant allows (TR5; ANBest-P 1.4).
    function requireWithinCeiling(uint256 money, uint256 bounds, uint256 amount) internal pure {
        unchecked {
            uint256 proven = money.get(PROVEN, 64);
            uint256 asked = money.get(DISBURSED, 56) + amount;
            uint256 ceiling = bounds.get(ADVANCE, 56);
            if (bounds.flag(OWN_FUNDS_FIRST)) {
                uint256 own = bounds.get(OWN_SHARE, 56);
                if (proven > own) ceiling += proven - own;
                if (asked > ceiling) revert ISubsidyLedger.OwnFundsFirst(asked, ceiling);
            } else {
                ceiling += Money.share(proven, money.get(RATE, 14));
                if (asked > ceiling) revert ISubsidyLedger.BeyondRateOfProven(asked, ceiling);
            }
        }
    }

    /// @dev Move an amount from open to disbursed. Requires that so much is open.
    function paid(uint256 money, uint256 amount) internal pure returns (uint256) {
        unchecked {
            return money - (amount << OPEN) + (amount << DISBURSED);
        }
    }

    /// @dev Require that no tranche waits, and return one whose use is unproven, or 0.
    function _requireNoneWaits(uint256[] memory facts) private pure returns (uint256 unproven) {
        unchecked {
            for (uint256 i = LIST; i < facts.length; ++i) {
                uint256 word = facts.wordAt(i);
                if (word.isWaiting()) revert ISubsidyLedger.TrancheWaiting(word.number());
                if (word.stage() == Tranche.DISBURSED) unproven = word;
            }
        }
    }

    /// @dev Requires that so much is open.
    function _cancelled(uint256 money, uint256 amount) private pure returns (uint256) {
        unchecked {
            return money - (amount << OPEN) + (amount << CANCELLED);
        }
    }
}
