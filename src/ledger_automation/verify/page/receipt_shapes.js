// The shapes of a receipt and of an absence, as docs/spec/receipt.md says.

import { either, isCounter, isNothing, isText, isWhole, listOf, record } from "./shapes.js";

export const FORMAT = "ledger-automation/receipt/v1";
export const ABSENCE = "ledger-automation/absence/v1";

const hashes = listOf(isText);
export const isAnchor = record({
  chain_id: isWhole, registry: isText, transaction: isText, block_number: isWhole, block_hash: isText,
});
const isEntry = record({ event: isText, salt: isText, leaf_index: isWhole, inclusion_proof: hashes });
const isErasedStep = record({ sequence: isCounter, commitment: isText, leaf_index: isWhole, inclusion_proof: hashes });
const isErasure = record({
  case_id: isText,
  steps: (value) => listOf(isErasedStep)(value) && value.length > 0,
  decisions: listOf(isEntry),
});
export const isReceipt = record(
  {
    format: (value) => value === FORMAT,
    entries: listOf(isEntry),
    checkpoint: isText,
    case_map_proof: either(isNothing, hashes),
    anchor: either(isNothing, isAnchor),
  },
  {
    extension: either(isNothing, record({ first_size: isWhole, consistency_proof: hashes })),
    erasure: either(isNothing, isErasure),
  },
);

export const isAbsence = record({
  format: (value) => value === ABSENCE,
  case_id: isText,
  other: either(isNothing, record({ key: isText, sequence: isCounter, leaf_hash: isText })),
  case_map_proof: hashes,
  checkpoint: isText,
  anchor: either(isNothing, isAnchor),
});
