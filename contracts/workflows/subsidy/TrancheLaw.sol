// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Arrays} from "@openzeppelin/contracts/utils/Arrays.sol";
import {Terms} from "../../interfaces/ICaseLedger.sol";
import {ILaw} from "../../interfaces/ILaw.sol";
import {Member} from "../../interfaces/IMembers.sol";
import {ISubsidyLedger} from "../../interfaces/ISubsidyLedger.sol";
import {Words} from "../../libraries/Words.sol";
import {GrantLaw} from "./GrantLaw.sol";
import {Money} from "./Money.sol";
import {Tranche} from "./Tranche.sol";

/// @title The subsidy's law of a tranche: requested, approved, disbursed, proven, accepted, asked back
/// @dev Most steps take the tranche's word and what their argument has beside the number, and return the word that
/// follows. The number of no tranche is found nowhere, or (0) at a condition, which is in no stage: all refuse that.
/// Two comparisons cost more than one that wraps around, and looking into an array more than both; hence the form.
library TrancheLaw {
    using Tranche for uint256;
    using Arrays for uint256[];
    using Words for uint256;
    using Words for uint256[];

    uint256 private constant _WEEK = 1 weeks * 1e6;
    uint256 private constant _HOUR = 1 hours * 1e6;
    uint256 private constant _LATITUDE = 26 * _HOUR;

    /// @dev Return a tranche and its place. Latest first: it is the one that most steps are about. Where one is found, the
    /// words that stand before the list are there as well.
    function find(uint256[] memory facts, uint256 number) internal pure returns (uint256 place, uint256 word) {
        unchecked {
            for (place = facts.length; place > GrantLaw.LIST;) {
                word = facts.wordAt(--place);
                if (word.number() == number) return (place, word);
            }
        }
        revert ISubsidyLedger.TrancheUnknown(number);
    }

    /// @dev Request a tranche; the argument has amount, payee and expenditure where its word has them. The list is in
    /// the order of requests: one that was returned moves to its end.
    function request(uint256[] memory facts, Terms terms, uint256 argument) internal pure {
        unchecked {
            (uint256 wanted, uint256 spent) = (uint16(argument), argument >> Tranche.EXPENDITURE);
            Money.requireAmount(0, argument.amount());
            if (wanted - 1 >= Tranche.MOST_NUMBER) revert ILaw.ArgumentOutOfRange(0, argument);
            if (spent > Money.MOST) revert ILaw.ArgumentOutOfRange(0, argument);
            if (argument.get(Tranche.PAYEE, 32) == 0) revert ILaw.ArgumentOutOfRange(0, argument);
            uint256 bounds = facts.wordAt(2);
            GrantLaw.requireEither(bounds >> GrantLaw.APPLICANT, terms);
            uint256 waiting = argument.amount();
            uint256 last = facts.length - 1;
            uint256 returned = 0;
            for (uint256 i = last; i >= GrantLaw.LIST; --i) {
                uint256 word = facts.wordAt(i);
                if (word.number() == wanted) {
                    if (word.stage() != Tranche.RETURNED) revert ISubsidyLedger.TrancheOnce(wanted, word.stage());
                    returned = i;
                } else if (word.isWaiting()) {
                    waiting += word.amount();
                }
            }
            uint256 money = facts.wordAt(1);
            GrantLaw.requireGranted(money, bounds, terms.moment() / Money.QUARTER, waiting);
            facts.put(1, _withProven(money, spent));
            uint256 tranche = (argument >> Tranche.AMOUNT << Tranche.AMOUNT) | Tranche.bare(wanted, Tranche.REQUESTED)
                | uint256(Member.unwrap(terms.member())) << Tranche.REQUESTER;
            if (returned != 0) {
                facts.replace(returned, facts, returned + 1, last - returned).put(last, tranche);
            } else {
                if (last == GrantLaw.LIST + GrantLaw.MOST - 1) revert ISubsidyLedger.ListFull(GrantLaw.MOST);
                facts.append(tranche);
            }
        }
    }

    /// @dev Endorse a request, which changes nothing.
    function endorse(uint256[] memory facts, uint256 word, Terms terms, uint256 given)
        internal
        pure
        returns (uint256)
    {
        _requireRequested(word, given);
        _requireApart(facts, word, terms);
        return word;
    }

    /// @dev Return a request that was not paid; its proven expenditure no longer counts.
    function sendBack(uint256[] memory facts, uint256 word, Terms terms, uint256 given)
        internal
        pure
        returns (uint256)
    {
        if (given != 0) revert ILaw.ArgumentOutOfRange(0, given);
        if (terms.role() == GrantLaw.ROLE_APPLICANT) GrantLaw.requireOwnCase(facts, terms);
        if (!word.isWaiting()) revert ISubsidyLedger.TrancheNotReturnable(word.number(), word.stage());
        unchecked {
            facts.put(1, facts.wordAt(1) - (word.get(Tranche.EXPENDITURE, 56) << GrantLaw.PROVEN));
        }
        return Tranche.bare(word.number(), Tranche.RETURNED);
    }

    /// @dev Order the payment (Anordnung).
    function approve(uint256[] memory facts, uint256 word, Terms terms, uint256 given)
        internal
        pure
        returns (uint256)
    {
        _requireRequested(word, given);
        _requireConditions(facts, word.number());
        _requireApart(facts, word, terms);
        unchecked {
            return word + (Tranche.APPROVED - Tranche.REQUESTED)
                + (uint256(Member.unwrap(terms.member())) << Tranche.APPROVER);
        }
    }

    /// @dev Pay (Vollzug): the amount moves from open to disbursed, and its term of use starts, whose end only the
    /// administration's calendar knows to the hour. What was approved is part of what is open, and its conditions stay
    /// met: both are asked again, as in the law.
    function disburse(uint256[] memory facts, Terms terms, uint256 argument) internal pure {
        uint256 quarter = terms.moment() / Money.QUARTER;
        (uint256 place, uint256 late) = _survey(facts, quarter, uint16(argument));
        uint256 word = facts.wordAt(place);
        uint256 stage = word.stage();
        if (stage != Tranche.APPROVED) {
            if (stage >= Tranche.DISBURSED) revert ISubsidyLedger.TranchePaidAlready(word.number(), stage);
            revert ISubsidyLedger.TrancheNotApproved(word.number(), stage);
        }
        _requireConditions(facts, word.number());
        (uint256 money, uint256 bounds, uint256 amount) = (facts.wordAt(1), facts.wordAt(2), word.amount());
        _requirePayerApart(bounds, word, terms);
        GrantLaw.requireGranted(money, bounds, quarter, amount);
        if (late != 0) {
            revert ISubsidyLedger.EarlierUseUnproven(
                terms.moment(), late.number(), Money.moment(late >> Tranche.USE_ENDS)
            );
        }
        GrantLaw.requireWithinCeiling(money, bounds, amount);
        uint256 ends = argument >> 16;
        _requireTerm(terms.moment(), money >> GrantLaw.USE_WEEKS, ends);
        facts.put(1, GrantLaw.paid(money, amount));
        facts.put(place, word.moved(Tranche.DISBURSED) | ends << Tranche.USE_ENDS);
    }

    /// @dev Prove what was spent.
    function prove(uint256[] memory facts, uint256 word, Terms terms, uint256 spent) internal pure returns (uint256) {
        Money.requireAmount(0, spent);
        GrantLaw.requireOwnCase(facts, terms);
        uint256 stage = word.stage();
        unchecked {
            if (stage - Tranche.DISBURSED > Tranche.PROVEN - Tranche.DISBURSED) {
                revert ISubsidyLedger.TrancheNotPaid(word.number(), stage);
            }
        }
        facts.put(1, _withProven(facts.wordAt(1), spent));
        return word.moved(Tranche.PROVEN);
    }

    /// @dev Accept a proof.
    function accept(uint256[] memory facts, uint256 word, Terms terms, uint256 given) internal pure returns (uint256) {
        if (given != 0) revert ILaw.ArgumentOutOfRange(0, given);
        if (word.stage() != Tranche.PROVEN) revert ISubsidyLedger.UseNotProven(word.number(), word.stage());
        GrantLaw.requireOthersCase(facts, terms);
        return word.moved(Tranche.ACCEPTED);
    }

    /// @dev Ask back a part; what was disbursed stays disbursed.
    function reclaim(uint256[] memory facts, uint256 word, Terms terms, uint256 asked) internal pure returns (uint256) {
        Money.requireAmount(0, asked);
        GrantLaw.requireOthersCase(facts, terms);
        uint256 paid = word.stage() < Tranche.DISBURSED ? 0 : word.amount();
        if (word.stage() != Tranche.RECLAIMED) word = word.moved(Tranche.RECLAIMED);
        unchecked {
            asked += word.get(Tranche.ASKED_BACK, 56);
        }
        if (asked > paid) revert ISubsidyLedger.ReclaimBeyondDisbursed(asked, paid);
        return word.set(Tranche.ASKED_BACK, 56, asked);
    }

    /// @dev Note what came back.
    function repay(uint256 word, uint256 repaid) internal pure returns (uint256) {
        Money.requireAmount(0, repaid);
        if (word.stage() != Tranche.RECLAIMED) revert ISubsidyLedger.RepaymentBeyondReclaim(repaid, 0);
        unchecked {
            repaid += word >> Tranche.REPAID;
        }
        uint256 asked = word.get(Tranche.ASKED_BACK, 56);
        if (repaid > asked) revert ISubsidyLedger.RepaymentBeyondReclaim(repaid, asked);
        return word.set(Tranche.REPAID, 56, repaid);
    }

    function _requireRequested(uint256 word, uint256 given) private pure {
        if (given != 0) revert ILaw.ArgumentOutOfRange(0, given);
        if (word.stage() != Tranche.REQUESTED) revert ISubsidyLedger.TrancheNotRequested(word.number(), word.stage());
    }

    /// @dev Conditions stand before the tranches, of which there is one at least.
    function _requireConditions(uint256[] memory facts, uint256 number) private pure {
        unchecked {
            uint256 i = GrantLaw.LIST;
            for (uint256 word = facts.wordAt(i); word.isCondition(); word = facts.wordAt(++i)) {
                if (word.firstWaiting() <= number) revert ISubsidyLedger.ConditionsOpen(number, word.name());
            }
        }
    }

    /// @dev Who requests is one of the two whose case it is. Only if it is the member's own need one ask whether he is
    /// that one: it decides which rule is named, not whether the step is refused.
    function _requireApart(uint256[] memory facts, uint256 word, Terms terms) private pure {
        uint256 member = Member.unwrap(terms.member());
        if (GrantLaw.isEither(facts.wordAt(2) >> GrantLaw.APPLICANT, member)) {
            if (word.get(Tranche.REQUESTER, 32) == member) revert ISubsidyLedger.RequesterApproves(terms.member());
            revert ILaw.NobodyDecidesInOwnCase(terms.member());
        }
        if (word.get(Tranche.PAYEE, 32) == member) revert ISubsidyLedger.PayeeActs(terms.member());
    }

    function _requirePayerApart(uint256 bounds, uint256 word, Terms terms) private pure {
        uint256 member = Member.unwrap(terms.member());
        unchecked {
            // Four factors of 32 bits: one question instead of four, and which it was is asked only if it was one.
            uint256 others = (word >> Tranche.APPROVER ^ member) * (word.get(Tranche.PAYEE, 32) ^ member);
            if (GrantLaw.apart(bounds >> GrantLaw.APPLICANT, member) * others == 0) _refusePayer(bounds, word, terms);
        }
    }

    function _refusePayer(uint256 bounds, uint256 word, Terms terms) private pure {
        uint256 member = Member.unwrap(terms.member());
        if (word >> Tranche.APPROVER == member) revert ISubsidyLedger.OrderAndPaymentApart(terms.member());
        if (GrantLaw.isEither(bounds >> GrantLaw.APPLICANT, member)) {
            if (word.get(Tranche.REQUESTER, 32) == member) revert ISubsidyLedger.OrderAndPaymentApart(terms.member());
            revert ILaw.NobodyDecidesInOwnCase(terms.member());
        }
        revert ISubsidyLedger.PayeeActs(terms.member());
    }

    /// @dev Return a tranche's place, and a tranche whose use is unproven after its term, or 0. Only a disbursed one has an
    /// end of use; 0 less one is later than everything, and so the tranche that is to be paid is none of them.
    function _survey(uint256[] memory facts, uint256 quarter, uint256 number)
        private
        pure
        returns (uint256 place, uint256 late)
    {
        unchecked {
            for (uint256 i = facts.length; i > GrantLaw.LIST;) {
                uint256 word = facts.wordAt(--i);
                if (quarter > (word >> Tranche.USE_ENDS) - 1) late = word;
                if (word.number() == number) place = i;
            }
        }
        if (place == 0) revert ISubsidyLedger.TrancheUnknown(number);
    }

    /// @dev Whole weeks, to the end of the last day, and an hour either way where the clocks change.
    function _requireTerm(uint256 moment, uint256 weeksToUse, uint256 quarters) private pure {
        unchecked {
            if (quarters > type(uint32).max) revert ILaw.ArgumentOutOfRange(0, quarters);
            uint256 least = moment + weeksToUse * _WEEK - _HOUR;
            uint256 ends = Money.moment(quarters);
            if (ends - least > _LATITUDE) {
                if (ends < least) revert ILaw.TermTooShort(ends, least);
                revert ISubsidyLedger.TermTooLong(ends, least + _LATITUDE);
            }
        }
    }

    function _withProven(uint256 money, uint256 spent) private pure returns (uint256) {
        unchecked {
            if (money.get(GrantLaw.PROVEN, 64) + spent > type(uint64).max) revert ILaw.ArgumentOutOfRange(0, spent);
            return money + (spent << GrantLaw.PROVEN);
        }
    }
}
