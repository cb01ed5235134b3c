// The log's signature over its root alone, which makes a COSE receipt: one more line of a checkpoint (RFC 9942, RFC 9052).

import { joined, sha256, utf8 } from "./octets.js";

const KIND = joined([0xff], utf8("rfc9942-rfc9162-sha256"));

export const rootKeyId = async (name, raw) => (await sha256(utf8(`${name}\n`), KIND, raw)).slice(0, 4);

// {1: -8 (EdDSA), 4: key id, 395: 1 (RFC9162_SHA256)}
export const protectedHeader = (keyId) => joined([0xa3, 0x01, 0x27, 0x04, 0x44], keyId, [0x19, 0x01, 0x8b, 0x01]);

// ["Signature1", protected header, no other data, root], each with the octet or two that say what and how long it is.
export const signedRoot = (keyId, root) =>
  joined([0x84, 0x6a], utf8("Signature1"), [0x4d], protectedHeader(keyId), [0x40, 0x58, 0x20], root);
