// Proofs of the log's tree, RFC 9162 sections 2.1.3.2 and 2.1.4.2. Sizes go up to 2^53-1, hence BigInt for their bits.

import { Contradiction } from "./refusals.js";
import { hex, same, sha256 } from "./octets.js";

const LEAF = Uint8Array.of(0);
const NODE = Uint8Array.of(1);
const HASH = 32;

export const leafHash = (data) => sha256(LEAF, data);
const nodeHash = (left, right) => sha256(NODE, left, right);

const bits = (value) => (value === 0n ? 0 : value.toString(2).length);
const ones = (value) => value.toString(2).replaceAll("0", "").length;
const isSet = (value, at) => ((value >> BigInt(at)) & 1n) === 1n;

export async function verifyInclusion(leaf, leafIndex, treeSize, proof, root) {
  if (!(leafIndex >= 0 && leafIndex < treeSize)) throw new Contradiction("index_outside", { leafIndex, treeSize });
  requireHashes([leaf, ...proof]);
  const index = BigInt(leafIndex);
  const inner = bits(index ^ BigInt(treeSize - 1));
  requireLength(proof, inner + ones(index >> BigInt(inner)), "inclusion_length");
  let node = await chain(leaf, proof.slice(0, inner), (level) => isSet(index, level));
  node = await chain(node, proof.slice(inner), () => true);
  requireRoot(root, node, "inclusion_root");
}

export async function verifyConsistency(firstSize, secondSize, proof, firstRoot, secondRoot) {
  if (!(firstSize > 0 && firstSize <= secondSize)) throw new Contradiction("sizes_wrong", { firstSize, secondSize });
  requireHashes(proof);
  if (firstSize === secondSize) {
    requireLength(proof, 0, "consistency_length");
    requireRoot(firstRoot, secondRoot, "two_roots");
    return;
  }
  const [first, last] = [BigInt(firstSize) - 1n, BigInt(secondSize) - 1n];
  let shift = 0; // section 2.1.4.2, step 2: a first size that is a power of two is its own seed
  while (isSet(first, shift)) shift += 1;
  const inner = bits(first ^ last) - shift;
  const isPower = first >> BigInt(shift) === 0n;
  requireLength(proof, inner + ones(first >> BigInt(inner + shift)) + (isPower ? 0 : 1), "consistency_length");
  const [seed, ...rest] = isPower ? [firstRoot, ...proof] : proof;
  const isRight = (level) => isSet(first, shift + level);
  const below = rest.slice(0, inner);
  const old = await chain(seed, below.filter((_, level) => isRight(level)), () => true);
  requireRoot(firstRoot, await chain(old, rest.slice(inner), () => true), "consistency_first");
  const grown = await chain(seed, below, isRight);
  requireRoot(secondRoot, await chain(grown, rest.slice(inner), () => true), "consistency_second");
}

async function chain(node, siblings, isRight) {
  for (const [level, sibling] of siblings.entries()) {
    node = isRight(level) ? await nodeHash(sibling, node) : await nodeHash(node, sibling);
  }
  return node;
}

function requireHashes(nodes) {
  if (nodes.some((node) => node.length !== HASH)) throw new Contradiction("hash_length");
}

function requireLength(proof, expected, words) {
  if (proof.length !== expected) throw new Contradiction(words, { expected, actual: proof.length });
}

function requireRoot(expected, actual, words) {
  if (!same(expected, actual)) throw new Contradiction(words, { expected: hex(expected), actual: hex(actual) });
}
