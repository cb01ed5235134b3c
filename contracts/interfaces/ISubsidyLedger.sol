// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Member} from "./IMembers.sol";

/// @title What the law of the subsidy refuses, each rule by its name in the law
/// @notice Moments are in microseconds since 1970, amounts in cents, rates in basis points; an end is the first moment
/// that is too late. A tranche's stage is 1 requested, 2 approved, 3 returned, 4 disbursed, 5 proven, 6 accepted,
/// 7 reclaimed.
interface ISubsidyLedger {
    /// @notice The application came after the last second of the call.
    error ApplicationTooLate(uint256 moment, uint256 ends);

    /// @notice The programme is not open to applicants of this kind; kinds are blinded.
    error ApplicantNotEligible(uint256 kind);

    /// @notice A cost plan is required, and its items add up to the planned spending; a total of 0 is no plan.
    error CostPlanDoesNotAddUp(uint256 total, uint256 planned);

    /// @notice The programme requires a proof of the own share.
    error OwnShareProofMissing();

    /// @notice No more than so many fit: checkers of an application, or conditions and tranches of a grant.
    error ListFull(uint256 most);

    /// @notice An application is checked before it is decided.
    error CheckFirst();

    /// @notice The programme requires the council's resolution before the grant.
    error ResolutionMissing();

    /// @notice The rate is at most the programme's rate for this applicant.
    error RateBeyondProgramme(uint256 rate, uint256 most);

    /// @notice A grant is at most the rate of the planned spending, rounded half up.
    error GrantBeyondRate(uint256 amount, uint256 most);

    /// @notice A period ends after it starts.
    error PeriodReversed(uint256 starts, uint256 ends);

    /// @notice Only a condition of the grant that is still open can be met; conditions are blinded.
    error ConditionUnknown(uint256 condition);

    /// @notice Each tranche is requested once; only a returned one may be requested again.
    error TrancheOnce(uint256 number, uint256 stage);

    /// @notice Money is called and paid within the grant's period only, all three in quarters of an hour since 1970; 0
    /// is a side without bounds.
    error OutsidePeriod(uint256 quarter, uint256 starts, uint256 ends);

    /// @notice Tranches never exceed the grant less its reductions.
    error BeyondGrant(uint256 asked, uint256 open);

    /// @notice Nobody has requested a tranche of this number.
    error TrancheUnknown(uint256 number);

    /// @notice The tranche is not waiting for approval.
    error TrancheNotRequested(uint256 number, uint256 stage);

    /// @notice Only a tranche that was not paid yet can be returned.
    error TrancheNotReturnable(uint256 number, uint256 stage);

    /// @notice A tranche waits until all its conditions are met; the condition is blinded.
    error ConditionsOpen(uint256 number, uint256 condition);

    /// @notice Who requested a tranche does not approve it.
    error RequesterApproves(Member member);

    /// @notice Who receives the money neither approves nor pays it.
    error PayeeActs(Member member);

    /// @notice Who ordered a payment or asked for it does not carry it out (Anordnung und Vollzug).
    error OrderAndPaymentApart(Member member);

    /// @notice Each tranche is paid once.
    error TranchePaidAlready(uint256 number, uint256 stage);

    /// @notice Only an approved tranche is paid.
    error TrancheNotApproved(uint256 number, uint256 stage);

    /// @notice No further tranche while the use of an earlier one is unproven after its term (ANBest-P 1.4).
    error EarlierUseUnproven(uint256 moment, uint256 number, uint256 ends);

    /// @notice Payments stay within the rate of the proven expenditure and the advance that the grant allows.
    error BeyondRateOfProven(uint256 asked, uint256 ceiling);

    /// @notice Own funds are spent first; only what they do not cover is paid.
    error OwnFundsFirst(uint256 asked, uint256 ceiling);

    /// @notice A term ends later than the law lets it.
    error TermTooLong(uint256 ends, uint256 most);

    /// @notice Only the use of a paid tranche is proven.
    error TrancheNotPaid(uint256 number, uint256 stage);

    /// @notice Only a proven use is accepted, and all of it is proven before the final proof.
    error UseNotProven(uint256 number, uint256 stage);

    /// @notice No more is asked back than was disbursed.
    error ReclaimBeyondDisbursed(uint256 asked, uint256 disbursed);

    /// @notice No more is repaid than was asked back.
    error RepaymentBeyondReclaim(uint256 repaid, uint256 asked);

    /// @notice No tranche waits for approval or payment.
    error TrancheWaiting(uint256 number);

    /// @notice Only what is neither paid nor under way can be cancelled.
    error ReductionBeyondOpen(uint256 amount, uint256 open);

    /// @notice Nothing of the grant is open.
    error NothingOpen();

    /// @notice The list of vouchers adds up to the column of actual spending.
    error VouchersDoNotAddUp(uint256 vouchers, uint256 spent);

    /// @notice The final proof shows at least the expenditure that was proven for the tranches.
    error FinalProofBelowTranches(uint256 spent, uint256 proven);
}
