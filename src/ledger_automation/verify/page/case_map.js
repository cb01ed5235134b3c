// Proofs of the case map (docs/spec/case-map.md): the case's last event in this log is the receipt's last one, or the log
// has no such case.

import { Contradiction } from "./refusals.js";
import { fromBase64, fromHex, hex, same, sha256, utf8, word } from "./octets.js";

const CASE_LEAF = Uint8Array.of(2);
const INNER = Uint8Array.of(3);
const DEEPEST = 256;

// Bit 0 is the most significant one of the first byte.
const bitOf = (key, at) => (key[at >> 3] >> (7 - (at & 7))) & 1;
const leafOf = (key, sequence, leaf) => sha256(CASE_LEAF, key, word(BigInt(sequence)).slice(-8), leaf);

export async function verifyWhole(caseId, sequence, leaf, siblings, root) {
  const key = await sha256(utf8(caseId));
  await lead(key, await leafOf(key, sequence, leaf), siblings, root, "map_whole");
}

// At the place of the case stands nothing, or `other`, who is alone there.
export async function verifyAbsence(caseId, other, siblings, root) {
  const key = await sha256(utf8(caseId));
  if (other === null) {
    await lead(key, await sha256(), siblings, root, "map_absent");
    return;
  }
  const there = /^[0-9a-f]{64}$/.test(other.key) ? fromHex(other.key) : null;
  const leaf = fromBase64(other.leaf_hash);
  if (there === null || leaf === null || leaf.length !== 32 || siblings.length > DEEPEST) throw new Contradiction("map_shape");
  if (same(there, key)) throw new Contradiction("map_has");
  if (siblings.some((_, at) => bitOf(there, at) !== bitOf(key, at))) throw new Contradiction("map_elsewhere");
  await lead(key, await leafOf(there, other.sequence, leaf), siblings, root, "map_absent");
}

// Goes from a node up to the root.
async function lead(key, node, siblings, root, words) {
  if (siblings.length > DEEPEST || siblings.some((each) => each.length !== 32)) throw new Contradiction("map_shape");
  if (siblings.length && same(siblings[0], await sha256())) throw new Contradiction("map_empty");
  for (const [at, sibling] of siblings.entries()) {
    node = bitOf(key, siblings.length - 1 - at) ? await sha256(INNER, sibling, node) : await sha256(INNER, node, sibling);
  }
  if (!same(node, root)) throw new Contradiction(words, { expected: hex(root), actual: hex(node) });
}
