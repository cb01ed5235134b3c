// Every sentence of the steps, in German and English; {names} are filled in with a step's facts.

const WORDS = {
  events_hold: ["{count} kanonisch, aus dem Protokoll {origin}", "{count} canonical, of the log {origin}"],
  checkpoint_holds: ["unterschrieben über {size} Blätter", "signed over {size} leaves"],
  inclusion_holds: ["{count} im Protokoll enthalten", "{count} included in the log"],
  law_holds: [
    "{count} Schritte führen zu {state}, jeder in seinem Zustand von seiner Rolle",
    "{count} steps lead to {state}, each in its state by its role",
  ],
  whole_holds: [
    "Schritt {sequence} ist der letzte seines Falls unter {size} Blättern",
    "step {sequence} is the last of its case in {size} leaves",
  ],
  whole_open: ["ein Beleg über einen Schritt sagt nichts über andere", "a receipt of one step says nothing of others"],
  absence_holds: ["kein Fall {case} unter {size} Blättern", "no case {case} in {size} leaves"],
  erasure_holds: ["{count} auf Beschluss gelöscht", "{count} erased by a decision of the log"],
  extension_holds: ["setzt Ihren Kontrollpunkt über {size} Blätter fort", "extends your checkpoint of {size} leaves"],
  chain_holds: ["Kette {chain}, Register {registry}", "chain {chain}, registry {registry}"],
  anchor_holds: ["Transaktion {transaction} in Block {block}", "transaction {transaction} in block {block}"],
  confirmations_hold: ["{there}, verlangt sind {confirmations}", "{there}, {confirmations} wanted"],
  confirmations_open: ["{there} von {confirmations}", "{there} of {confirmations}"],
  signatures_signed: ["{count} von den Handelnden unterschrieben", "{count} signed by their actors"],
  signatures_taken: [
    "der Vertrag hat {count} Schritte angenommen; was sie besagen, rechnet nur ledger verify nach",
    "the contract has taken {count} steps; what they say is recomputed by ledger verify only",
  ],
  signatures_not_asked: [
    "die Vorgaben nennen keinen Vertrag, der {workflow} durchsetzt; nach den Unterschriften wurde nicht gefragt",
    "the policy pins no contract that enforces {workflow}; the signatures were not asked for",
  ],
  signatures_erased: [
    "über Gelöschtes hinweg werden Unterschriften nicht verfolgt",
    "signatures are not followed across erased content",
  ],
  witnesses_hold: ["mitgezeichnet von {names}, verlangt sind {required}", "cosigned by {names}, {required} wanted"],
  witnesses_open: [
    "mitgezeichnet von {names}: {count} von {required}",
    "cosigned by {names}: {count} of the {required} wanted",
  ],
  signatures_offline: [
    "{count} Unterschriften sind wohlgeformt; wer unterschreiben darf, weiß nur der Vertrag",
    "{count} signatures are well formed; who may sign only the contract knows",
  ],

  event_not_json: ["Ein Ereignis ist kein strenges JSON ({where}).", "An event is not strict JSON ({where})."],
  event_shape: ["Ein Ereignis hat andere Felder als vorgesehen.", "An event has other fields than it must have."],
  event_not_canonical: ["Ein Ereignis steht nicht in seiner einen Schreibweise.", "An event is not in its canonical form."],
  event_origin: ["Das Ereignis ist aus einem anderen Protokoll: {actual}.", "The event is of another log: {actual}."],
  note_unsigned: ["Der Kontrollpunkt trägt keine Unterschriften.", "The note has no signature block."],
  note_control: ["Der Kontrollpunkt enthält ein Steuerzeichen.", "The note holds a control character."],
  note_signatures: ["Der Kontrollpunkt trägt zu viele Unterschriften.", "The note has too many signatures."],
  note_line: ["Eine Unterschriftszeile ist fehlerhaft.", "A signature line is malformed."],
  note_forged: ["Eine Unterschrift von {name} gehört nicht zum Kontrollpunkt.", "A signature of {name} does not belong to the note."],
  note_unknown: ["Kein Schlüssel aus den Vorgaben hat den Kontrollpunkt unterschrieben.", "No pinned key signed the note."],
  checkpoint_lines: ["Ein Kontrollpunkt hat vier Zeilen.", "A checkpoint has four lines."],
  checkpoint_origin: ["Der Kontrollpunkt ist aus einem anderen Protokoll: {actual}.", "The checkpoint is of another log: {actual}."],
  checkpoint_size: ["Die Größe des Protokolls ist fehlerhaft geschrieben.", "The tree size is malformed."],
  checkpoint_map: ["Die Zeile des Fallverzeichnisses fehlt.", "The case map's line is missing."],
  checkpoint_root: ["Eine Wurzel ist nicht das Base64 von 32 Byte.", "A root is not the base64 of 32 bytes."],
  salt_shape: ["Das Salz besteht nicht aus 64 Hexadezimalziffern.", "The salt is not 64 hex digits."],
  commitment_shape: ["Eine Festlegung besteht nicht aus 64 Hexadezimalziffern.", "A commitment is not 64 hex digits."],
  proof_base64: ["Ein Hash in einem Beweis ist kein Base64.", "A proof's hash is not base64."],
  hash_length: ["Ein Hash in einem Beweis hat die falsche Länge.", "A hash in a proof has the wrong length."],
  index_outside: ["Blatt {leafIndex} liegt außerhalb der {treeSize} Blätter.", "Leaf {leafIndex} is outside of {treeSize} leaves."],
  inclusion_length: [
    "Der Einschlussbeweis hat {actual} Hashes statt {expected}.",
    "The inclusion proof has {actual} hashes, not {expected}.",
  ],
  inclusion_root: [
    "Der Einschlussbeweis führt nicht zur Wurzel: Ereignis, Salz oder Beweis wurde verändert.",
    "The inclusion proof does not lead to the root: event, salt or proof was altered.",
  ],
  sizes_wrong: ["Das ältere Protokoll ist länger als das neuere.", "The older log is longer than the newer one."],
  consistency_length: [
    "Der Fortsetzungsbeweis hat {actual} Hashes statt {expected}.",
    "The consistency proof has {actual} hashes, not {expected}.",
  ],
  two_roots: ["Zwei Protokolle einer Länge haben verschiedene Wurzeln.", "Trees of one size have two roots."],
  consistency_first: [
    "Der Fortsetzungsbeweis führt nicht zu Ihrem Kontrollpunkt.",
    "The consistency proof does not lead to the checkpoint you hold.",
  ],
  consistency_second: [
    "Der Fortsetzungsbeweis führt nicht zum Kontrollpunkt des Belegs.",
    "The consistency proof does not lead to the receipt's checkpoint.",
  ],
  extension_missing: [
    "Der Beleg beweist nicht, dass er Ihren Kontrollpunkt über {expected} Blätter fortsetzt.",
    "The receipt does not prove that it extends the checkpoint you hold, of {expected} leaves.",
  ],
  erasure_undecided: [
    "Nichts im Protokoll beschließt, dass Schritt {sequence} gelöscht ist.",
    "Nothing in the log decides that step {sequence} is erased.",
  ],
  two_cases: ["Der Beleg vermengt zwei Fälle.", "The receipt mixes two cases."],
  sequence_broken: [
    "Die Ereignisse folgen nicht aufeinander: {actual} statt {expected}.",
    "The case's events do not follow each other: {actual} instead of {expected}.",
  ],
  previous_broken: [
    "Schritt {sequence} schließt nicht an den vorigen an.",
    "Step {sequence} does not continue the case's previous event.",
  ],
  workflow_unknown: [
    "Schritt {sequence} gehört zu einem anderen Verfahren: {workflow}.",
    "Step {sequence} is of another workflow: {workflow}.",
  ],
  action_unknown: ["Schritt {sequence}: Das Verfahren kennt {action} nicht.", "Step {sequence}: the workflow has no {action}."],
  state_wrong: [
    "Schritt {sequence}: {action} ist im Zustand {state} nicht erlaubt.",
    "Step {sequence}: {action} is not allowed in the state {state}.",
  ],
  target_wrong: [
    "Schritt {sequence}: Das Verfahren führt nicht nach {state}.",
    "Step {sequence}: the law does not lead to {state}.",
  ],
  role_wrong: ["Schritt {sequence}: {action} steht {role} nicht zu.", "Step {sequence}: {action} is not for {role}."],
  moment_wrong: ["Schritt {sequence} hat keinen gültigen Zeitpunkt.", "Step {sequence} has no valid moment."],
  time_backwards: ["Schritt {sequence} geschah vor dem vorigen.", "Step {sequence} happened before the previous one."],
  whole_unproved: ["Ein Beleg über einen ganzen Fall beweist, dass er ganz ist.", "A receipt of a whole case proves that it is whole."],
  map_shape: ["Der Beweis des Fallverzeichnisses ist fehlerhaft.", "The proof of the case map is malformed."],
  map_empty: [
    "Ein Fall, der in einem Teilbaum allein ist, steht an dessen Spitze.",
    "A case that is alone in a subtree stands at its top.",
  ],
  map_whole: [
    "Es gibt weitere Schritte dieses Falls, oder der Beweis ist gefälscht.",
    "There are more steps of this case, or the proof is forged.",
  ],
  map_absent: ["Es gibt einen solchen Fall, oder der Beweis ist gefälscht.", "There is such a case, or the proof is forged."],
  map_has: ["Das Fallverzeichnis kennt diesen Fall.", "The map has this case."],
  map_elsewhere: ["Der andere Fall steht im Verzeichnis woanders.", "The other case stands elsewhere in the map."],
  claim_elsewhere: [
    "Die Verankerung wird auf einer anderen Kette oder in einem anderen Vertrag behauptet.",
    "The anchor is claimed on another chain or contract than the pinned one.",
  ],
  transaction_shape: ["Der Name der Transaktion ist keiner.", "A transaction is 64 lower-case hex digits after 0x."],
  transaction_unknown: ["Die Kette kennt die Transaktion nicht.", "The chain does not know the transaction."],
  transaction_reverted: ["Die Transaktion ist gescheitert.", "The transaction was reverted."],
  anchored_nothing: ["Die Transaktion verankert nichts aus diesem Protokoll.", "The transaction anchored nothing of this log."],
  anchored_another: ["Die Transaktion verankert einen anderen Kontrollpunkt.", "The transaction anchored another checkpoint."],
  block_another: ["Die Transaktion steht in einem anderen Block: {expected}.", "The transaction stands in another block: {expected}."],
  nothing_signed: ["Kein Schritt ist vom Handelnden unterschrieben.", "No step is signed by its actor."],
  step_unsigned: ["Schritt {sequence} ist nicht unterschrieben.", "Step {sequence} is not signed by its actor."],
  signature_shape: ["Die Unterschrift von Schritt {sequence} ist fehlerhaft.", "The signature of step {sequence} is malformed."],
  signed_another: [
    "Schritt {sequence}: Unterschrieben ist anderes als das Ereignis sagt ({part}).",
    "Step {sequence}: the signature is over another {part} than the event's.",
  ],
  signer_another: ["Schritt {sequence} hat jemand anders unterschrieben.", "Somebody else signed step {sequence}."],
  member_twice: [
    "Schritt {sequence}: {pseudonym} teilt eine Nummer oder hat zwei.",
    "Step {sequence}: {pseudonym} shares a number, or has two.",
  ],
  signer_unseated: ["Wer unterschrieb, hatte im Vertrag keinen Sitz.", "The contract never seated the signer of a step."],
  step_never_taken: ["Der Vertrag hat Schritt {sequence} nie angenommen.", "The contract never took step {sequence}."],

  no_node_named: [
    "Die Vorgaben verlangen eine Verankerung, und kein Knoten der Kette ist genannt.",
    "The policy wants an anchor, and no node of the chain is named.",
  ],
  no_node_answered: ["Kein Knoten hat geantwortet.", "No node answered."],
  too_few_answered: [
    "Nur {answered} Knoten haben geantwortet, verlangt sind {quorum}.",
    "Only {answered} nodes answered, {quorum} are wanted.",
  ],
  nodes_waver: [
    "Für den Block der Transaktion nennt die Kette zwei Namen; fragen Sie später noch einmal.",
    "The chain gives the transaction's block two hashes; ask again later.",
  ],
  nodes_disagree: ["Die Knoten widersprechen einander.", "The nodes disagree."],

  other_chain: [
    "Es antwortet eine andere Kette oder ein anderer Vertrag als vorgegeben (Kette {actual}, vorgegeben {expected}).",
    "The chain or contract that answers is not the pinned one (chain {actual}, pinned {expected}).",
  ],
  other_ledger: ["Unter {contract} steht ein anderer Vertrag als vorgegeben.", "The contract at {contract} is not the pinned one."],
  no_ledger: [
    "Die Vorgaben nennen keinen Vertrag, der {workflow} durchsetzt.",
    "The policy pins no contract that enforces {workflow}.",
  ],
  event_schema: [
    "Der Beleg spricht {actual}; diese Seite liest {expected}. Holen Sie eine neuere.",
    "The event speaks {actual}; this page reads {expected}. Get a newer one.",
  ],
  policy_key: ["Ein Schlüssel der Vorgaben ist fehlerhaft.", "A key of the policy is malformed."],
  policy_unknown: [
    "Die Vorgaben verlangen etwas, das diese Seite nicht kennt.",
    "The policy asks for something that this page does not know.",
  ],
  no_json: ["Das ist kein Beleg: kein strenges JSON ({where}).", "This is not a receipt: not strict JSON ({where})."],
  no_cose: ["Das ist kein Beleg: kein COSE-Beleg in seiner Form.", "This is not a receipt: not COSE in its one encoding."],
  no_frames: ["Das ist nicht der Text der QR-Codes eines Belegs.", "This is not the text of one receipt's QR codes."],
  frame_missing: ["Es fehlt Code {missing} von {count}.", "Code {missing} of {count} is missing."],
  no_receipt: ["Das ist kein Beleg.", "This is not a receipt."],
  no_note: ["Das ist kein Kontrollpunkt dieses Protokolls.", "This is no checkpoint of this log."],
  no_file: ["Die Datei lässt sich nicht lesen.", "The file cannot be read."],
  no_codes: ["Auf dem Bild ist kein QR-Code zu erkennen.", "There is no QR code to be seen in the picture."],
  no_scanner: [
    "Dieser Browser liest keine QR-Codes: Nehmen Sie die Kamera Ihres Telefons und fügen Sie den Text hier ein.",
    "This browser reads no QR codes: use your telephone's camera and paste the text here.",
  ],
  no_url: ["Die Adresse eines Knotens beginnt mit https:// oder http://: {url}.", "A node's address begins with https:// or http://: {url}."],
  no_ed25519: [
    "Dieser Browser kann Ed25519 nicht prüfen; nehmen Sie einen neueren.",
    "This browser cannot check Ed25519; use a newer one.",
  ],
  no_crypto: [
    "Dieser Browser rechnet hier nicht: Öffnen Sie die Seite als Datei oder über https.",
    "This browser does not compute here: open the page as a file or by https.",
  ],
};

const TITLES = {
  "1 events": ["Ereignisse", "Events"],
  "2 checkpoint": ["Kontrollpunkt", "Checkpoint"],
  "3 inclusion": ["Einschluss", "Inclusion"],
  "4 law": ["Recht", "Law"],
  "5 completeness": ["Vollständigkeit", "Completeness"],
  "5 absence": ["Abwesenheit", "Absence"],
  "6 extension": ["Fortsetzung", "Extension"],
  "7 chain": ["Kette", "Chain"],
  "8 anchor": ["Verankerung", "Anchor"],
  "9 confirmations": ["Bestätigungen", "Confirmations"],
  "10 signatures": ["Unterschriften", "Signatures"],
  "11 witnesses": ["Zeugen", "Witnesses"],
};

const VERDICTS = {
  final: ["Stimmt", "Holds"],
  pending: ["Noch nicht endgültig", "Not final yet"],
  erased: ["Gelöscht", "Erased"],
  unreachable: ["Nicht erreichbar", "Not reachable"],
  contradicted: ["Stimmt nicht", "Does not hold"],
  refused: ["Nicht geprüft", "Not verified"],
};

export const LANGUAGES = ["de", "en"];

export function say(words, facts, language) {
  const text = WORDS[words][LANGUAGES.indexOf(language)];
  return text.replace(/\{(\w+)\}/g, (whole, name) => (name in facts ? String(facts[name]) : whole));
}

export const titleOf = (step, language) => TITLES[step][LANGUAGES.indexOf(language)];

export const headingOf = (verdict, language) => VERDICTS[verdict][LANGUAGES.indexOf(language)];
