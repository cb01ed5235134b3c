// Verifying a receipt: the numbered steps of `ledger verify`, in its order, with its words, verdicts and reason codes.
//
// The steps stop at the first that does not hold. A chain that does not answer makes the verdict `unreachable`, never
// `contradicted`, and never green. What counts (origin, key, chain, registry) is the policy's, never the receipt's.

import { Contradiction, Misconfigured, Unreachable } from "./refusals.js";
import { checkAnchor, checkClaim, checkIdentity, confirmationsOf } from "./anchor.js";
import { commitmentOf, decodeEvent } from "./event.js";
import { decodeProof, isAbsent } from "./receipt.js";
import { followSigned, requireTaken } from "./enforced.js";
import { either, isCounter, isNothing, isText, isWhole, listOf, mapOf, record } from "./shapes.js";
import { leafHash, verifyConsistency, verifyInclusion } from "./merkle.js";
import { Nodes } from "./nodes.js";
import { cosignersOf, LOG_KEY, openCheckpoint, parseKey, WITNESS_KEY } from "./note.js";
import { follow, requireDecided } from "./law.js";
import { verifyAbsence, verifyWhole } from "./case_map.js";

const ON_CHAIN = ["anchored", "enforced"];
const isPolicy = record({
  origin: isText,
  log_keys: listOf(isText),
  level: (value) => ["recorded", "logged", ...ON_CHAIN].includes(value),
  chain: either(isNothing, record({ chain_id: isWhole, genesis_hash: isText, registry: isText, registry_code_hash: isText })),
  confirmations: (value) => isWhole(value) && value >= 1,
  ledgers: mapOf(record({ contract: isText, code_hash: isText })),
  witnesses: listOf(isText),
  witnesses_required: isCounter,
  nodes: listOf(isText),
  nodes_required: isCounter,
});

export class Verifier {
  // `asked` is what the reader wants instead of the policy's {level, urls, quorum}, and `held`.
  constructor(policy, tables, asked = {}) {
    if (!isPolicy(policy)) throw new Misconfigured("policy_unknown"); // a policy may not ask for what the page ignores
    this.policy = { ...policy, level: asked.level ?? policy.level };
    this.tables = tables;
    const urls = asked.urls ?? policy.nodes;
    this.nodes = new Nodes(urls, asked.quorum || policy.nodes_required || urls.length);
    this.held = asked.held ?? null;
  }

  // Returns {verdict, reason, shown, steps}; `shown` is what a receipt that holds shows: a step, a case, or none.
  // Throws only what is no verdict (Misconfigured, Unsupported).
  async verify(receipt) {
    this.steps = [];
    this.step = "";
    try {
      this.keys = await Promise.all(this.policy.log_keys.map((each) => parseKey(each, LOG_KEY)));
      this.witnesses = await Promise.all(this.policy.witnesses.map((each) => parseKey(each, WITNESS_KEY)));
      return await (isAbsent(receipt) ? this.judgedAbsence(receipt) : this.judged(receipt));
    } catch (error) {
      if (error instanceof Unreachable) return this.failed("unreachable", "chain_unreachable", error);
      if (!(error instanceof Contradiction)) throw error;
      return this.failed("contradicted", `step_${this.step.replaceAll(" ", "_")}`, error);
    }
  }

  async judgedAbsence(absence) {
    this.shown = "absent";
    this.isErased = false;
    const checkpoint = await this.signed(absence.checkpoint);
    this.step = "5 absence";
    const siblings = decodeProof(absence.case_map_proof);
    await verifyAbsence(absence.case_id, absence.other, siblings, checkpoint.mapRoot);
    this.holds("absence_holds", { case: absence.case_id, size: checkpoint.treeSize });
    if (ON_CHAIN.includes(this.policy.level)) return this.anchored(absence.anchor, checkpoint, [], []);
    return this.witnessed("logged");
  }

  async signed(note) {
    this.step = "2 checkpoint";
    const checkpoint = await openCheckpoint(note, this.policy.origin, this.keys);
    this.cosigners = await cosignersOf(note, this.witnesses);
    this.holds("checkpoint_holds", { size: checkpoint.treeSize });
    return checkpoint;
  }

  async judged(receipt) {
    this.shown = receipt.case_map_proof === null ? "step" : "case";
    const { origin } = this.policy;
    const erasure = receipt.erasure ?? null;
    this.isErased = erasure !== null;
    this.step = "1 events";
    const events = receipt.entries.map((entry) => this.eventOf(entry));
    const decisions = (erasure?.decisions ?? []).map((entry) => this.eventOf(entry));
    this.holds("events_hold", { count: events.length, origin });
    const checkpoint = await this.signed(receipt.checkpoint);
    this.step = "3 inclusion";
    const erased = erasure?.steps ?? [];
    const included = [];
    for (const entry of [...receipt.entries, ...erased, ...(erasure?.decisions ?? [])]) {
      included.push(await this.included(entry, checkpoint));
    }
    this.holds("inclusion_holds", { count: included.length });
    const steps = inOrder(
      events.map((event, at) => ({ sequence: event.sequence, commitment: included[at], event })),
      erased.map(({ sequence }, at) => ({ sequence, commitment: included[events.length + at], event: null })),
    );
    const caseId = erasure?.case_id ?? events[0].case_id;
    this.follow(receipt, steps, caseId);
    if (erasure !== null) {
      requireDecided(erasure, decisions, this.tables.log_case);
      this.holds("erasure_holds", { count: erased.length });
    }
    await this.complete(receipt, steps, caseId, checkpoint);
    await this.extends(receipt, checkpoint);
    const salts = receipt.entries.map((entry) => entry.salt);
    if (ON_CHAIN.includes(this.policy.level)) return this.anchored(receipt.anchor, checkpoint, events, salts);
    await this.enforced(events, salts);
    return this.witnessed("logged");
  }

  eventOf(entry) {
    const event = decodeEvent(entry.event);
    const expected = this.policy.origin;
    if (event.origin !== expected) throw new Contradiction("event_origin", { expected, actual: event.origin });
    return event;
  }

  async included(entry, checkpoint) {
    const commitment = await commitmentOf(entry);
    const leaf = await leafHash(commitment);
    await verifyInclusion(leaf, entry.leaf_index, checkpoint.treeSize, decodeProof(entry.inclusion_proof), checkpoint.root);
    return commitment;
  }

  follow(receipt, steps, caseId) {
    this.step = "4 law";
    if (receipt.case_map_proof === null && steps.length === 1 && steps[0].sequence !== 0) return; // a later step alone
    follow(this.tables.workflows, steps, caseId);
    this.holds("law_holds", { count: steps.length, state: steps.at(-1).event?.to_state ?? "\u2205" });
  }

  async complete(receipt, steps, caseId, checkpoint) {
    this.step = "5 completeness";
    if (receipt.case_map_proof === null) {
      if (steps.length > 1) throw new Contradiction("whole_unproved");
      this.open("whole_open");
      return;
    }
    const { sequence, commitment } = steps.at(-1);
    const siblings = decodeProof(receipt.case_map_proof);
    await verifyWhole(caseId, sequence, await leafHash(commitment), siblings, checkpoint.mapRoot);
    this.holds("whole_holds", { sequence, size: checkpoint.treeSize });
  }

  async extends(receipt, checkpoint) {
    if (this.held === null) return;
    this.step = "6 extension";
    const held = await openCheckpoint(this.held, this.policy.origin, this.keys);
    const extension = receipt.extension ?? null;
    if (extension === null && held.treeSize !== checkpoint.treeSize) {
      throw new Contradiction("extension_missing", { expected: held.treeSize });
    }
    const proof = extension === null ? [] : decodeProof(extension.consistency_proof);
    await verifyConsistency(held.treeSize, checkpoint.treeSize, proof, held.root, checkpoint.root);
    this.holds("extension_holds", { size: held.treeSize });
  }

  async anchored(claim, checkpoint, events, salts) {
    const { chain, origin, confirmations } = this.policy;
    this.step = "7 chain";
    if (claim === null) return this.concluded("pending", "not_anchored");
    await checkIdentity(this.nodes, chain);
    this.holds("chain_holds", { chain: chain.chain_id, registry: chain.registry });
    this.step = "8 anchor";
    checkClaim(claim, chain);
    await checkAnchor(this.nodes, claim, chain, origin, checkpoint);
    this.holds("anchor_holds", { transaction: claim.transaction, block: claim.block_number });
    this.step = "9 confirmations";
    const there = await confirmationsOf(this.nodes, claim);
    if (there < confirmations) {
      this.open("confirmations_open", { there, confirmations });
      return this.concluded("pending", "not_final");
    }
    this.holds("confirmations_hold", { there, confirmations });
    await this.enforced(events, salts);
    return this.witnessed("anchored");
  }

  // Counts the witnesses, if the policy asks for any; all else holds.
  witnessed(reason) {
    const required = this.policy.witnesses_required;
    if (required === 0) return this.concluded("final", reason);
    this.step = "11 witnesses";
    const facts = { names: [...this.cosigners.values()].join(", ") || "\u2013", count: this.cosigners.size, required };
    if (facts.count < required) {
      this.open("witnesses_open", facts);
      return this.concluded("pending", "not_witnessed");
    }
    this.holds("witnesses_hold", facts);
    return this.concluded("final", reason);
  }

  async enforced(events, salts) {
    this.step = "10 signatures";
    const { level, ledgers } = this.policy;
    if (this.isErased) {
      this.open("signatures_erased");
      return;
    }
    if (events.length === 0) return; // a case that is not there has no actors
    if (events.every((event) => event.signature === null)) {
      if (level === "enforced") throw new Contradiction("nothing_signed");
      return;
    }
    const last = events.at(-1);
    if (!Object.hasOwn(ledgers, last.workflow) && level !== "enforced") {
      this.open("signatures_not_asked", { workflow: last.workflow });
      return;
    }
    const walk = await followSigned(events, salts, this.policy, this.tables);
    if (!ON_CHAIN.includes(level)) {
      this.open("signatures_offline", { count: events.length });
      return;
    }
    this.holds("signatures_signed", { count: events.length });
    await requireTaken(this.nodes, last, walk, this.policy, this.tables);
    this.holds("signatures_taken", { count: last.sequence + 1 });
  }

  holds(words, facts = {}) {
    this.steps.push({ step: this.step, holds: true, words, facts });
  }

  open(words, facts = {}) {
    this.steps.push({ step: this.step, holds: null, words, facts });
  }

  failed(verdict, reason, { words, facts }) {
    this.steps.push({ step: this.step, holds: verdict === "contradicted" ? false : null, words, facts });
    return this.concluded(verdict, reason);
  }

  concluded(verdict, reason) {
    if (verdict === "final" && this.isErased) return this.concluded("erased", `erased_${reason}`);
    return { verdict, reason, shown: this.shown, steps: this.steps };
  }
}

// Merges the steps that can be read with the erased ones; what is out of order stays so, for `follow` to find.
function inOrder(readable, erased) {
  const steps = [];
  const [one, other] = [[...readable], [...erased]];
  while (one.length && other.length) steps.push((one[0].sequence <= other[0].sequence ? one : other).shift());
  return [...steps, ...one, ...other];
}
