// piston-client from npm against our server: `node piston.mjs URL`.
import assert from "node:assert/strict";
import piston from "piston-client";

const client = piston({ server: process.argv[2] });

const [runtime] = await client.runtimes();
assert.equal(runtime.language, "python");

let ran = await client.execute("python", "import sys\nprint(input(), sys.argv[1:])", { stdin: "hi", args: ["a"] });
assert.equal(ran.run.stdout, "hi ['a']\n");
assert.equal(ran.run.code, 0);

ran = await client.execute("python", "raise SystemExit(3)");
assert.equal(ran.run.code, 3);

ran = await client.execute("python", "while True: pass", { runTimeout: 500 });
assert.equal(ran.run.signal, "SIGKILL");

ran = await client.execute({ language: "cobol", files: [{ content: "" }] });
assert.match(ran.message, /cobol|version/);

console.log("piston-client ok");
