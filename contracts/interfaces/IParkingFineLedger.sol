// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title What the parking fine's law refuses, each rule by its name in the law
/// @notice Amounts are in cents, moments in microseconds since 1970; a moment of 0 was never set. A rung is 1 recorded,
/// 2 hearing sent, 3 notice sent, 4 notified, 5 penalty added.
interface IParkingFineLedger {
    /// @notice These rules require a hearing before the notice.
    error HearingFirst();

    /// @notice The notice was sent already; its expense is due once.
    error NoticeSentOnce(uint256 rung);

    /// @notice Only a notice that was sent can be served.
    error NoticeFirst(uint256 rung);

    /// @notice The notice was served already; its terms do not start again.
    error ServedOnce(uint256 appealEnds);

    /// @notice The amount is fixed once the notice was served.
    error AmountFixedAfterService(uint256 rung);

    /// @notice There is no notice yet that could be appealed.
    error NothingToAppealYet();

    /// @notice The appeal came after the last moment of its term, which runs from service.
    error AppealTooLate(uint256 moment, uint256 appealEnds);

    /// @notice These rules lead to the court only through the authority.
    error AuthorityFirst();

    /// @notice The appeal to the court came after the last moment of its term.
    error CourtAppealTooLate(uint256 moment, uint256 courtEnds);

    /// @notice The appeal was forwarded already.
    error ForwardedOnce();

    /// @notice The appeal was decided already.
    error DecidedOnce();

    /// @notice Only a decision that was taken can be served.
    error DecisionFirst();

    /// @notice These rules know no penalty for late payment.
    error NoPenaltyInTheseRules();

    /// @notice The penalty was added already.
    error PenaltyOnce();

    /// @notice The penalty is not added before its day, which is counted from service.
    error PenaltyTooEarly(uint256 moment, uint256 penaltyStarts);

    /// @notice The penalty replaces the amount by a higher tariff value, never by a lower one.
    error PenaltyBelowAmount(uint256 penalty, uint256 amount);

    /// @notice Collection starts after the terms that run from service and decision.
    error CollectionTooEarly(uint256 moment, uint256 collectionStarts, uint256 courtEnds);

    /// @notice A refund is exactly what was paid beyond what is due; it happens once.
    error RefundIsWhatWasOverpaid(uint256 refund, uint256 overpaid);
}
