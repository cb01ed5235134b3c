// Enforced steps (docs/spec/enforced.md): what the contract was told of each, where that leads, and whether it took it.
//
// Not checked here: that arguments and facts are what the law makes of the events; `ledger verify` computes them anew.

import { Contradiction, Misconfigured } from "./refusals.js";
import { canonical } from "./strict_json.js";
import { codeHash } from "./anchor.js";
import { fromHex, hex, joined, number, sha256, utf8, word } from "./octets.js";
import { given } from "./nodes.js";
import { isObject, isText, isWhole, listOf, mapOf, matching, record } from "./shapes.js";
import { keccak256 } from "./keccak.js";
import { recovered } from "./secp256k1.js";

const DOMAIN = "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)";
const STEP =
  "Step(bytes16 caseKey,bytes32 commitment,uint64 moment,uint64 deadline,uint32 sequence,uint32 member," +
  "uint8 action,uint8 role,bytes32 previousHead,uint256[] arguments)";
const SIGNED = [[0, 64], [64, 64], [160, 32], [128, 32], [192, 8], [200, 8]]; // moment to role, as they are signed

const isWord = matching(/^[0-9a-f]{64}$/);
const isSignature = record({
  chain_id: (value) => isWhole(value) && value >= 0,
  contract: matching(/^0x[0-9a-f]{40}$/),
  case_key: matching(/^[0-9a-f]{32}$/),
  commitment: isWord,
  previous_head: isWord,
  terms: isWord,
  arguments: listOf(isWord),
  facts: listOf(isWord),
  members: mapOf((value) => isWhole(value) && value >= 1 && value < 2 ** 32),
  signer_kind: (value) => value === "key" || value === "contract",
  signer: matching(/^(?:[0-9a-f]{40}|[0-9a-f]{168})$/),
  signature: matching(/^(?:[0-9a-f]{2})*$/),
});

const field = (value, bit, width) => (value >> BigInt(bit)) & ((1n << BigInt(width)) - 1n);
const top = (octets, bits) => (number(octets) >> BigInt(256 - bits)) << BigInt(256 - bits);

// Follows the signed steps of a case; `link` is where it stands on chain afterwards.
export async function followSigned(events, salts, policy, tables) {
  const walk = { link: null, signers: new Set(), holders: new Map(), isWhole: events[0].sequence === 0 };
  for (const [at, event] of events.entries()) {
    const kept = event.signature;
    if (kept === null) throw new Contradiction("step_unsigned", { sequence: event.sequence });
    if (!isSignature(kept)) throw new Contradiction("signature_shape", { sequence: event.sequence });
    await requireSame(event, kept, salts[at], walk, policy, tables);
    const terms = BigInt(`0x${kept.terms}`);
    if (kept.signer_kind === "key" && recovered(digestOf(kept, terms, event.workflow), fromHex(kept.signature)) !== kept.signer) {
      throw new Contradiction("signer_another", { sequence: event.sequence });
    }
    holdApart(walk.holders, kept, event.sequence);
    walk.signers.add(`${field(terms, 128, 32)} ${kept.signer}`);
    walk.link = after(kept, terms);
  }
  return walk;
}

async function requireSame(event, kept, salt, walk, policy, tables) {
  const pinned = Object.hasOwn(policy.ledgers, event.workflow) ? policy.ledgers[event.workflow] : null;
  if (pinned === null || policy.chain === null) throw new Misconfigured("no_ledger", { workflow: event.workflow });
  const start = { caseKey: kept.commitment.slice(0, 32), head: 0n };
  const before = walk.link ?? (walk.isWhole ? start : { caseKey: kept.case_key, head: BigInt(`0x${kept.previous_head}`) });
  const unsigned = canonical(Object.assign(Object.create(null), event, { signature: null }));
  const terms = BigInt(`0x${kept.terms}`);
  const [moment, sequence, action, role] = termsOf(event, tables);
  const parts = {
    commitment: hex(await sha256(fromHex(salt), utf8(unsigned))) === kept.commitment,
    contract: kept.chain_id === policy.chain.chain_id && kept.contract === pinned.contract.toLowerCase(),
    case_key: before.caseKey === kept.case_key,
    previous_head: before.head === BigInt(`0x${kept.previous_head}`),
    terms:
      field(terms, 0, 64) === moment && field(terms, 160, 32) === sequence &&
      field(terms, 192, 8) === action && field(terms, 200, 8) === role,
    member: BigInt(kept.members[event.actor.id] ?? 0) === field(terms, 128, 32),
  };
  const part = Object.keys(parts).find((name) => !parts[name]);
  if (part !== undefined) throw new Contradiction("signed_another", { sequence: event.sequence, part });
}

function termsOf(event, tables) {
  const table = tables.workflows[event.workflow];
  const action = table?.rows.findIndex((row) => row.action === event.action) ?? -1;
  const role = tables.roles.indexOf(event.actor.role);
  const milliseconds = Date.parse(event.occurred_at);
  if (action < 0 || role < 0 || Number.isNaN(milliseconds)) {
    throw new Contradiction("signed_another", { sequence: event.sequence, part: "terms" });
  }
  const seconds = BigInt(Math.floor(milliseconds / 1000));
  return [seconds * 1_000_000n + BigInt(event.occurred_at.slice(20, 26)), BigInt(event.sequence), BigInt(action), BigInt(role)];
}

// Within a case a pseudonym has one number, and a number one pseudonym: else one member could act as two.
function holdApart(holders, kept, sequence) {
  for (const [pseudonym, member] of Object.entries(kept.members)) {
    for (const [key, value] of [[`number of ${pseudonym}`, member], [`holder of ${member}`, pseudonym]]) {
      if ((holders.get(key) ?? value) !== value) throw new Contradiction("member_twice", { sequence, pseudonym });
      holders.set(key, value);
    }
  }
}

// What the actor signed: EIP-712, for one contract on one chain.
function digestOf(kept, terms, workflow) {
  const hashed = (text) => keccak256(utf8(text));
  const where = [word(BigInt(kept.chain_id)), fromHex(kept.contract.slice(2).padStart(64, "0"))];
  const domain = keccak256(joined(hashed(DOMAIN), hashed(`ledger-automation/${workflow}`), hashed("1"), ...where));
  const content = [
    hashed(STEP),
    fromHex(kept.case_key.padEnd(64, "0")),
    fromHex(kept.commitment),
    ...SIGNED.map(([bit, width]) => word(field(terms, bit, width))),
    fromHex(kept.previous_head),
    keccak256(joined(...kept.arguments.map(fromHex))),
  ];
  return keccak256(joined(Uint8Array.of(0x19, 1), domain, keccak256(joined(...content))));
}

function after(kept, terms) {
  const [head, commitment] = [fromHex(kept.previous_head), fromHex(kept.commitment)];
  const past = keccak256(joined(keccak256(joined(head, commitment)), word(field(terms, 0, 208))));
  const known = [word(top(past, 192) | field(terms, 0, 64)), ...kept.facts.map(fromHex)];
  return { caseKey: kept.case_key, head: top(keccak256(joined(...known)), 216) };
}

// Asks the pinned contract: the signers were seated, and it stands where the step led or has gone on from there.
export async function requireTaken(nodes, last, walk, policy, tables) {
  const { contract, code_hash: pinned } = policy.ledgers[last.workflow];
  const there = await nodes.agreed((node) => codeHash(node, contract));
  if (there !== pinned) throw new Misconfigured("other_ledger", { contract });
  const seats = new Set(await nodes.agreed((node) => seatsIn(node, contract)));
  if ([...walk.signers].some((signer) => !seats.has(signer))) throw new Contradiction("signer_unseated");
  const state = tables.workflows[last.workflow].states.indexOf(last.to_state) + 1;
  const steps = last.sequence + 1;
  const expected = walk.link.head | (BigInt(steps) << 8n) | BigInt(state);
  const isTaken = await nodes.agreed((node) => hasTaken(node, contract, walk.link.caseKey, expected, steps));
  if (state === 0 || !isTaken) throw new Contradiction("step_never_taken", { sequence: last.sequence });
}

async function seatsIn(node, contract) {
  const topic = `0x${hex(keccak256(utf8("MemberSeated(uint32,uint8,bytes)")))}`;
  const logs = await logsOf(node, contract, topic);
  return logs.map(({ topics, data }) => {
    const length = Number(BigInt(`0x${data.slice(130, 194)}`));
    return `${BigInt(topics[1])} ${data.slice(194, 194 + 2 * length)}`;
  }).sort();
}

async function hasTaken(node, contract, caseKey, expected, steps) {
  const selector = hex(keccak256(utf8("standingOf(bytes16)"))).slice(0, 8);
  const data = `0x${selector}${caseKey.padEnd(64, "0")}`;
  const answer = await node.call("eth_call", { to: contract, data }, "latest");
  const standing = BigInt(given(answer, matching(/^0x[0-9a-f]{64}$/)));
  if (standing === expected) return true;
  return field(standing, 8, 32) > BigInt(steps) && (await logsOf(node, contract, `0x${hex(word(expected))}`)).length > 0;
}

async function logsOf(node, address, topic) {
  const asked = { address, topics: [topic], fromBlock: "0x0", toBlock: "latest" };
  const isLogEntry = (value) => isObject(value) && listOf(isText)(value.topics) && isText(value.data);
  return given(await node.call("eth_getLogs", asked), listOf(isLogEntry));
}
