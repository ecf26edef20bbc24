/**
 * Fails if the JavaScript that `/` loads at first is larger than 100 KB, compressed with gzip: the document's own
 * script, the code of the first view and of the worker, and whatever these import.
 */
import { readFileSync, readdirSync } from "node:fs";
import { gzipSync } from "node:zlib";

const BUDGET_BYTES = 100_000;
const FIRST_LOADED = /^(dag_view|worker)-[\w-]{8}\.js$/;
const BUILT = new URL("../server/static/", import.meta.url);

const text = (name) => readFileSync(new URL(name, BUILT), "utf8");
const matches = (pattern, name) => [...text(name).matchAll(pattern)].map((match) => match[1]);

const waiting = [
  ...matches(/"\/static\/([\w.-]+\.js)"/g, "index.html"),
  ...readdirSync(BUILT).filter((name) => FIRST_LOADED.test(name)),
];
if (waiting.length < 3) {
  throw new Error(`server/static/ has no code of the first view or of the worker: ${waiting.join(", ")}`);
}
const bytes = new Map();
while (waiting.length > 0) {
  const name = waiting.pop();
  if (!bytes.has(name)) {
    bytes.set(name, gzipSync(text(name), { level: 9 }).length);
    waiting.push(...matches(/(?:\bfrom|\bimport)\s*["']\.\/([\w.-]+\.js)["']/g, name));
  }
}
const total = [...bytes.values()].reduce((sum, size) => sum + size, 0);
console.log(`${total} of ${BUDGET_BYTES} bytes of JavaScript that / loads at first (gzip)`);
if (total > BUDGET_BYTES) {
  console.error([...bytes].map(([name, size]) => `${size} ${name}`).join("\n"));
  process.exit(1);
}
