// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @notice A member's number: drawn from the pseudonym by whoever admits, so that it says nothing to a stranger.
type Member is uint32;

/// @title Who may sign steps, and in which roles
/// @notice One seat a member: a signer and a set of roles, in one slot. A signer is an address (an ordinary key, or a
/// contract that answers ERC-1271), or a verifier's address followed by a key (ERC-7913: a P-256 passkey).
/// @dev Roles are bits, in the order of the law: 1 applicant, 2 clerk, 4 approver, 8 finance, 16 auditor, 32 system,
/// 64 administrator. A member without roles keeps the number and can do nothing. One signer has one number, so that
/// two members are two signers; that they are two people is what the admin vouches for.
interface IMembers {
    /// @notice A member was admitted, or has other roles or another signer now.
    /// @param member The number.
    /// @param roles The roles from now on; 0 for a member that was dismissed.
    /// @param signer The signer from now on.
    event MemberSeated(Member indexed member, uint8 roles, bytes signer);

    /// @notice The number 0 stands for nobody.
    error NobodyHasNoSeat();

    /// @notice The bits name a role that there is not.
    /// @param roles The bits.
    error UnknownRoles(uint8 roles);

    /// @notice The bytes are neither an address nor a verifier with a key of 64 bytes.
    /// @param signer The bytes.
    error MalformedSigner(bytes signer);

    /// @notice The verifier's address holds no code, so it could verify nothing.
    /// @param verifier The address.
    error NoSuchVerifier(address verifier);

    /// @notice The signer has a number already: nobody signs as two.
    /// @param signer The signer.
    /// @param member Its number.
    error SignerSeated(bytes signer, Member member);

    /// @notice There is always exactly one admin.
    error AdminRequired();

    /// @notice Give a member a seat, other roles, or another signer after a lost or changed key. For the admin.
    /// @param member The number, not 0.
    /// @param roles The roles, 0 to dismiss.
    /// @param signer The signer.
    function seat(Member member, uint8 roles, bytes calldata signer) external;

    /// @notice Which roles a member has, and who signs for it.
    /// @param member The number.
    /// @return roles The roles; 0 where there is no such member.
    /// @return signer The signer; empty where there is no such member.
    function seatOf(Member member) external view returns (uint8 roles, bytes memory signer);
}
