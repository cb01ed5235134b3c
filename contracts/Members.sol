// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {Ownable2Step} from "@openzeppelin/contracts/access/Ownable2Step.sol";
import {Bytes} from "@openzeppelin/contracts/utils/Bytes.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import {IMembers, Member} from "./interfaces/IMembers.sol";

/// @title Seats of members, as {IMembers} describes them
/// @dev The admin's seat is offered and accepted, in two steps, and cannot be given up.
abstract contract Members is IMembers, Ownable2Step {
    using Bytes for bytes;

    /// @dev One slot: the signer's address, or its verifier's (160 bits) | roles (8) | whether a key belongs to it (1).
    type Seat is uint256;

    uint8 private constant _ALL_ROLES = 0x7f;
    uint256 private constant _KEYED = 1 << 168;
    uint256 private constant _ADDRESS_LENGTH = 20;
    uint256 private constant _KEYED_LENGTH = 84;

    mapping(Member member => Seat) private _seats;
    mapping(Member member => bytes) private _keys;
    mapping(bytes32 signerHash => Member) private _numbers;

    /// @dev Deploy with the admin's seat taken.
    constructor(address admin) Ownable(admin) {}

    /// @inheritdoc IMembers
    function seat(Member member, uint8 roles, bytes calldata signer) external onlyOwner {
        if (Member.unwrap(member) == 0) revert NobodyHasNoSeat();
        if (roles > _ALL_ROLES) revert UnknownRoles(roles);
        bool keyed = signer.length == _KEYED_LENGTH;
        if (!keyed && signer.length != _ADDRESS_LENGTH) revert MalformedSigner(signer);
        address first = address(bytes20(signer));
        if (first == address(0)) revert MalformedSigner(signer);
        if (keyed && first.code.length == 0) revert NoSuchVerifier(first);
        bytes32 fresh = _identity(signer);
        Member holder = _numbers[fresh];
        if (Member.unwrap(holder) != 0 && Member.unwrap(holder) != Member.unwrap(member)) {
            revert SignerSeated(signer, holder);
        }
        bytes memory former = _signerOf(member);
        if (former.length != 0) _numbers[_identity(former)] = Member.wrap(0);
        _numbers[fresh] = member;
        _seats[member] = Seat.wrap(uint160(first) | uint256(roles) << 160 | (keyed ? _KEYED : 0));
        if (keyed) _keys[member] = signer[_ADDRESS_LENGTH:];
        else delete _keys[member];
        emit MemberSeated(member, roles, signer);
    }

    /// @notice The admin's seat cannot be given up, only handed over: otherwise a lost key could never be replaced.
    function renounceOwnership() public view override onlyOwner {
        revert AdminRequired();
    }

    /// @inheritdoc IMembers
    function seatOf(Member member) external view returns (uint8 roles, bytes memory signer) {
        return (uint8(_rolesOf(_seats[member])), _signerOf(member));
    }

    /// @dev The roles of a member, and whether its signer signed a digest.
    function _isSigned(Seat taken, Member member, bytes32 digest, bytes calldata signature)
        internal
        view
        returns (bool)
    {
        if (Seat.unwrap(taken) & _KEYED == 0) {
            return SignatureChecker.isValidSignatureNowCalldata(_addressOf(taken), digest, signature);
        }
        return SignatureChecker.isValidSignatureNow(_signerOf(member), digest, signature);
    }

    function _seatOf(Member member) internal view returns (Seat) {
        return _seats[member];
    }

    function _signerOf(Member member) private view returns (bytes memory) {
        Seat taken = _seats[member];
        if (Seat.unwrap(taken) == 0) return "";
        return abi.encodePacked(_addressOf(taken), _keys[member]);
    }

    /// @dev Who a signer is: a key is the same key whichever contract verifies it.
    function _identity(bytes memory signer) private pure returns (bytes32) {
        return keccak256(signer.length == _KEYED_LENGTH ? signer.slice(_ADDRESS_LENGTH) : signer);
    }

    function _rolesOf(Seat taken) internal pure returns (uint256) {
        return uint8(Seat.unwrap(taken) >> 160);
    }

    function _addressOf(Seat taken) private pure returns (address) {
        return address(uint160(Seat.unwrap(taken)));
    }
}
