// The anchor: whether the pinned chain and registry answer, and what the claimed transaction anchored there.

import { Contradiction, Misconfigured, Unreachable } from "./refusals.js";
import { canonical } from "./strict_json.js";
import { either, isNothing, isObject, listOf, matching } from "./shapes.js";
import { fromHex, hex, sha256, utf8 } from "./octets.js";
import { given } from "./nodes.js";
import { keccak256 } from "./keccak.js";

const EVENT = "CheckpointAnchored(bytes32,uint64,bytes32,bytes32,uint64)";
const isQuantity = matching(/^0x(?:0|[1-9a-f][0-9a-f]{0,13})$/);
const isHash = matching(/^0x[0-9a-f]{64}$/);
const isOctets = matching(/^0x(?:[0-9a-f]{2})*$/);
const isBlock = (value) => isObject(value) && isHash(value.hash);
const isLog = (value) =>
  isObject(value) && matching(/^0x[0-9a-fA-F]{40}$/)(value.address) && listOf(isHash)(value.topics) && isOctets(value.data);
const isMined = (value) =>
  isObject(value) && isQuantity(value.status) && isQuantity(value.blockNumber) && isHash(value.blockHash) &&
  listOf(isLog)(value.logs);

export async function codeHash(node, address) {
  const code = given(await node.call("eth_getCode", address, "latest"), isOctets);
  return `0x${hex(keccak256(fromHex(code.slice(2))))}`;
}

export async function checkIdentity(nodes, pinned) {
  const there = await nodes.agreed(async (node) => ({
    chain_id: Number(given(await node.call("eth_chainId"), isQuantity)),
    genesis_hash: given(await node.call("eth_getBlockByNumber", "0x0", false), isBlock).hash,
    registry: pinned.registry,
    registry_code_hash: await codeHash(node, pinned.registry),
  }));
  if (canonical(there) !== canonical(pinned)) {
    throw new Misconfigured("other_chain", { expected: pinned.chain_id, actual: there.chain_id });
  }
}

export function checkClaim(claim, pinned) {
  if (claim.chain_id !== pinned.chain_id || claim.registry !== pinned.registry) {
    throw new Contradiction("claim_elsewhere", { expected: pinned.chain_id, actual: claim.chain_id });
  }
  if (!isHash(claim.transaction)) throw new Contradiction("transaction_shape", { actual: claim.transaction });
}

// Insists that the claimed transaction anchored this checkpoint in the claimed block.
export async function checkAnchor(nodes, claim, pinned, origin, checkpoint) {
  const mined = await nodes.agreed((node) => minedIn(node, claim.transaction));
  if (mined === null) throw new Contradiction("transaction_unknown", { transaction: claim.transaction });
  if (mined.there !== mined.blockHash) throw new Unreachable("nodes_waver");
  if (mined.status !== "0x1") throw new Contradiction("transaction_reverted");
  const topics = [`0x${hex(keccak256(utf8(EVENT)))}`, `0x${hex(await sha256(utf8(origin)))}`];
  const ours = mined.logs.filter((log) => log.address === pinned.registry.toLowerCase())
    .filter((log) => topics.every((topic, at) => log.topics[at] === topic));
  if (ours.length !== 1) throw new Contradiction("anchored_nothing");
  const [, , size] = ours[0].topics;
  const expected = [BigInt(checkpoint.treeSize).toString(16).padStart(64, "0"), hex(checkpoint.root), hex(checkpoint.mapRoot)];
  if (size !== `0x${expected[0]}` || !ours[0].data.startsWith(`0x${expected[1]}${expected[2]}`)) {
    throw new Contradiction("anchored_another");
  }
  if (claim.block_number !== Number(mined.blockNumber) || claim.block_hash !== mined.blockHash) {
    throw new Contradiction("block_another", { expected: Number(mined.blockNumber), actual: claim.block_number });
  }
}

// Returns what a node says of a transaction, null where it was not mined; `there` is the block that has its number.
async function minedIn(node, transaction) {
  const mined = given(await node.call("eth_getTransactionReceipt", transaction), either(isNothing, isMined));
  if (mined === null) return null;
  const { status, blockNumber, blockHash } = mined;
  const { hash: there } = given(await node.call("eth_getBlockByNumber", blockNumber, false), isBlock);
  const logs = mined.logs.map(({ address, topics, data }) => ({ address: address.toLowerCase(), topics, data }));
  return { status, blockNumber, blockHash, there, logs };
}

// Returns the confirmations by the node that is furthest behind; 1 in the newest block.
export async function confirmationsOf(nodes, claim) {
  const heads = await nodes.each(async (node) => Number(given(await node.call("eth_blockNumber"), isQuantity)));
  return Math.max(0, Math.min(...heads) - claim.block_number + 1);
}
