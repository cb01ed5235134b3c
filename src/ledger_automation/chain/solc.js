// The native compiler's command line over npm's `solc`, as far as py-solc-x uses it: `--version` and `--standard-json`.
// npm's own `solcjs` will not do: its standard JSON answer begins with a line that is no JSON.
// Started as: node solc.js NODE_MODULES VERSION_CACHE [--version | --standard-json [--base-path DIR]]
"use strict";
const fs = require("fs");
const path = require("path");

const [modules, versionCache, ...args] = process.argv.slice(2);
const after = (flag) => (args.includes(flag) ? args[args.indexOf(flag) + 1] : undefined);
const load = () => require(path.join(modules, "solc"));

// A pipe answers EAGAIN once its buffer is full, and process.exit() would cut the rest off.
function write(text) {
  let rest = Buffer.from(text);
  while (rest.length > 0) {
    try {
      rest = rest.subarray(fs.writeSync(1, rest));
    } catch (error) {
      if (error.code !== "EAGAIN") throw error;
    }
  }
}

// py-solc-x asks before every compilation, and loading the compiler to answer takes a second.
function version() {
  try {
    return fs.readFileSync(versionCache, "utf8");
  } catch {
    const found = load().version();
    fs.writeFileSync(versionCache, found);
    return found;
  }
}

if (args.includes("--version")) {
  write(`solc, the solidity compiler commandline interface\nVersion: ${version()}\n`);
} else if (args.includes("--standard-json")) {
  const base = after("--base-path") ?? process.cwd();
  const readSource = (name) => {
    try {
      return { contents: fs.readFileSync(path.resolve(base, name), "utf8") };
    } catch (error) {
      return { error: error.message };
    }
  };
  write(load().compile(fs.readFileSync(0, "utf8"), { import: readSource }));
} else {
  process.stderr.write("solc.js answers --version and --standard-json only.\n");
  process.exitCode = 2;
}
