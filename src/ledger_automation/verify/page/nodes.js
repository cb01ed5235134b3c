// Nodes of a chain, asked by JSON-RPC. What one says is never believed where another says otherwise.
//
// A question goes to every node that the reader named. An answer counts when as many nodes gave it as the reader asks
// for and none gave another one; anything else is Unreachable, which is neither good nor bad.

import { Unreachable } from "./refusals.js";
import { canonical } from "./strict_json.js";

const MILLISECONDS = 10_000;

export class NoAnswer extends Error {}

// Holds a part of an answer against its form; what a node may not say is no answer.
export function given(value, form) {
  if (!form(value)) throw new NoAnswer("malformed");
  return value;
}

class Node {
  constructor(url) {
    this.url = url;
  }

  async call(method, ...params) {
    const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method, params });
    let answer;
    try {
      const reply = await fetch(this.url, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body,
        cache: "no-store",
        credentials: "omit",
        redirect: "error",
        referrerPolicy: "no-referrer",
        signal: AbortSignal.timeout(MILLISECONDS),
      });
      answer = await reply.json();
    } catch {
      throw new NoAnswer("silent");
    }
    if (answer === null || typeof answer !== "object" || !("result" in answer) || answer.error) throw new NoAnswer("error");
    return answer.result;
  }
}

export class Nodes {
  constructor(urls, quorum) {
    this.nodes = urls.map((url) => new Node(url));
    this.quorum = Math.max(1, quorum);
  }

  // Asks every node; returns what those that answered say.
  async each(question) {
    if (this.nodes.length === 0) throw new Unreachable("no_node_named");
    const heard = await Promise.all(this.nodes.map((node) => question(node).catch(silence)));
    const answers = heard.filter((answer) => answer !== undefined);
    if (answers.length === 0) throw new Unreachable("no_node_answered");
    const { quorum } = this;
    if (answers.length < quorum) throw new Unreachable("too_few_answered", { answered: answers.length, quorum });
    return answers;
  }

  // The same, and all of them must say the same.
  async agreed(question) {
    const answers = await this.each(question);
    if (new Set(answers.map(canonical)).size > 1) throw new Unreachable("nodes_disagree");
    return answers[0];
  }
}

function silence(error) {
  if (error instanceof NoAnswer) return undefined;
  throw error;
}
