// How the page says no. Each refusal carries the key of its sentence (words.js) and the facts that fill it in.
//
//   Contradiction    the evidence does not hold                              verdict contradicted
//   Unreachable      a node that must be asked did not answer                verdict unreachable
//   Misconfigured    chain, contract or schema other than the pinned one     no verdict, a refusal
//   UnreadableFile   what was given is no receipt or no checkpoint           no verdict, a refusal
//   Unsupported      this browser cannot do what is needed                   no verdict, a refusal

class Refusal extends Error {
  constructor(words, facts = {}) {
    super(words);
    this.words = words;
    this.facts = facts;
  }
}

export class Contradiction extends Refusal { kind = "Contradiction"; }
export class Unreachable extends Refusal { kind = "Unreachable"; }
export class Misconfigured extends Refusal { kind = "Misconfigured"; }
export class UnreadableFile extends Refusal { kind = "UnreadableFile"; }
export class Unsupported extends Refusal { kind = "Unsupported"; }
