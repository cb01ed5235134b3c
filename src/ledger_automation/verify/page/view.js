// What the reader sees and does: gives a receipt by file, drop or paste, names nodes, reads one sentence.
//
// Everything that comes from a receipt or a node is set as text, never as markup.

import { headingOf, LANGUAGES, say, titleOf } from "./words.js";
import { arePictures, scanned } from "./scan.js";
import { pinned, verifyReceipt } from "./judge.js";
import { UnreadableFile } from "./refusals.js";
import { utf8 } from "./octets.js";

const MARKS = { final: "✓", pending: "…", erased: "∅", unreachable: "?", contradicted: "✗", refused: "!" };
const HOLDS = new Map([[true, "✓"], [false, "✗"], [null, "–"]]);
const LEVELS = { logged: ["nur bis zum Protokoll", "up to the log only"], anchored: ["bis zur Kette", "up to the chain"] };

const found = (id) => document.getElementById(id);
const language = () => document.documentElement.lang;
const spoken = (pair) => pair[LANGUAGES.indexOf(language())];

const seen = { octets: null, name: "", held: null, answer: null, turn: 0 };

function element(name, text, attributes = {}) {
  const made = document.createElement(name);
  made.textContent = text;
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

async function check() {
  if (seen.octets === null) return;
  const turn = (seen.turn += 1);
  found("answer").setAttribute("aria-busy", "true");
  const answer = await answered();
  if (turn !== seen.turn) return; // another receipt was given meanwhile
  seen.answer = answer;
  show();
  found("answer").removeAttribute("aria-busy");
}

async function answered() {
  const urls = found("nodes").value.split(/\s+/).filter(Boolean);
  const bad = urls.find((url) => !/^https?:\/\//.test(url));
  if (bad !== undefined) return { error: "InvalidValue", words: "no_url", facts: { url: bad } };
  const asked = { urls, quorum: Number(found("quorum").value), held: seen.held };
  return verifyReceipt(seen.octets, { ...asked, level: found("level").value });
}

function sentenceOf(answer) {
  if (answer.error !== undefined) return say(answer.words, answer.facts, language());
  return pinned.sentences[answer.verdict === "final" ? answer.shown : answer.verdict][language()];
}

function show() {
  const { answer } = seen;
  if (answer === null) return;
  const verdict = answer.verdict ?? "refused";
  found("answer").dataset.verdict = verdict;
  found("mark").textContent = MARKS[verdict];
  found("heading").textContent = headingOf(verdict, language());
  found("sentence").textContent = sentenceOf(answer);
  found("reason").textContent = answer.error ?? `${verdict} · ${answer.reason}`;
  found("file").textContent = seen.name;
  found("steps").replaceChildren(...(answer.steps ?? []).map(stepRow));
  found("details").hidden = answer.steps === undefined;
  found("details").open = verdict === "contradicted";
  if (answer.steps?.at(-1).words === "no_node_named") found("more").open = true;
}

function stepRow({ step, holds, words, facts }) {
  const row = element("li", "", { "data-holds": String(holds) });
  const number = parseInt(step, 10);
  row.append(
    element("span", HOLDS.get(holds), { class: "mark", "aria-hidden": "true" }),
    element("strong", `${number} ${titleOf(step, language())} `),
    element("span", `(${spoken(spokenHold(holds))}) `, { class: "unseen" }),
    element("span", say(words, facts, language())),
  );
  return row;
}

function spokenHold(holds) {
  if (holds === null) return ["offen", "open"];
  return holds ? ["stimmt", "holds"] : ["stimmt nicht", "fails"];
}

function speak(to) {
  document.documentElement.lang = to;
  document.title = spoken(["Beleg prüfen", "Verify a receipt"]);
  for (const option of found("level").options) option.textContent = spoken(LEVELS[option.value] ?? [option.value, option.value]);
  show();
}

async function contentOf(file) {
  try {
    return new Uint8Array(await file.arrayBuffer());
  } catch {
    throw new UnreadableFile("no_file");
  }
}

// Takes one receipt's file, or pictures of its QR codes.
async function take(files) {
  if (files.length === 0) return;
  found("answer").setAttribute("aria-busy", "true");
  const name = Array.from(files, (file) => file.name).join(", ");
  try {
    await give(arePictures(files) ? await scanned(files) : await contentOf(files[0]), name);
  } catch (error) {
    if (error.kind === undefined) throw error;
    Object.assign(seen, { octets: null, name, answer: { error: error.kind, words: error.words, facts: error.facts } });
    show();
    found("answer").removeAttribute("aria-busy");
  }
}

async function give(octets, name) {
  Object.assign(seen, { octets, name });
  await check();
}

function describePins() {
  const { policy } = pinned;
  const rows = [
    [["Protokoll", "Log"], policy.origin],
    ...policy.log_keys.map((key) => [["Schlüssel", "Key"], key]),
    ...policy.witnesses.map((key) => [["Zeuge", "Witness"], key]),
    ...(policy.chain === null ? [] : [
      [["Kette", "Chain"], `${policy.chain.chain_id} · ${policy.chain.genesis_hash}`],
      [["Register", "Registry"], `${policy.chain.registry} · ${policy.chain.registry_code_hash}`],
      [["Bestätigungen", "Confirmations"], policy.confirmations],
      ...policy.nodes.map((url) => [["Knoten", "Node"], url]),
    ]),
  ];
  found("pins").replaceChildren(...rows.flatMap(([[german, english], value]) => {
    const term = element("dt", "");
    term.append(element("span", german, { lang: "de" }), element("span", english, { lang: "en" }));
    return [term, element("dd", String(value))];
  }));
}

function offerLevels() {
  const { level, chain } = pinned.policy;
  const offered = chain === null ? [level] : [...new Set([level, "anchored", "logged"])];
  found("level").replaceChildren(...offered.map((each) => element("option", each, { value: each })));
  found("level").value = level;
  found("online").hidden = chain === null;
}

function nameNodes() {
  const { nodes, nodes_required: required } = pinned.policy;
  found("nodes").value = nodes.join("\n");
  found("quorum").value = required || "";
}

function listen() {
  found("receipt").addEventListener("change", (event) => take(event.target.files));
  found("pasted").addEventListener("input", (event) => event.target.value && give(utf8(event.target.value), ""));
  found("held").addEventListener("change", async (event) => {
    seen.held = event.target.files[0] ? await contentOf(event.target.files[0]).catch(() => new Uint8Array()) : null;
    await check();
  });
  for (const id of ["nodes", "quorum", "level"]) found(id).addEventListener("change", check);
  found("form").addEventListener("submit", (event) => {
    event.preventDefault();
    check();
  });
  found("language").addEventListener("click", () => speak(LANGUAGES.find((each) => each !== language())));
  for (const kind of ["dragover", "dragleave", "drop"]) {
    document.addEventListener(kind, (event) => {
      event.preventDefault();
      found("place").classList.toggle("over", kind === "dragover");
      if (kind === "drop") take(event.dataTransfer.files);
    });
  }
}

describePins();
offerLevels();
nameNodes();
listen();
speak("de");
