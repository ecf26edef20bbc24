import { expect, test } from "vitest";
import { type AssetDifference, diffLines, differencesOf, inOrder, redGroups } from "./comparison";

const SAME: AssetDifference = {
  assetName: "a",
  fromState: "SUCCESS",
  toState: "SUCCESS",
  message: "",
  rows: { from: 3, to: 3, same: true },
  tests: [],
  upstreams: [],
  parameters: [],
  settings: [],
  durationMs: { from: 5, to: 6, isUnusual: false },
};

test("what differs of an asset is said in the words of the command", () => {
  expect(differencesOf(SAME)).toEqual([]);
  expect(
    differencesOf({
      ...SAME,
      sql: { diff: "", added: 2, removed: 1 },
      columns: { added: [{ name: "x", type: "INTEGER" }], removed: [], retyped: [{ name: "y", from: "INTEGER", to: "VARCHAR" }] },
      rows: { from: 3, to: 1003, same: false, difference: { added: 1000, removed: 0, changed: 2, key: ["id"] } },
      tests: [{ testName: "s.t", from: { status: "SUCCESS" }, to: { status: "FAILED", rowCount: 20 } }],
      parameters: [{ name: "day", to: "1" }],
      durationMs: { from: 5, to: 900, isUnusual: true, least: 4, most: 6 },
    }),
  ).toEqual([
    "SQL +2 −1",
    "columns added: x",
    "y INTEGER → VARCHAR",
    "rows 1,000 added, 2 changed",
    "day unset → 1",
    "900 ms, usually 4 to 6",
    "s.t passed → failed (20)",
  ]);
  const { fromState: _, ...appeared } = SAME;
  expect(differencesOf(appeared)).toEqual(["new"]);
});

test("changed assets come first, of these the red ones; then those that ended otherwise", () => {
  const code = { diff: "", added: 1, removed: 0 };
  const assets: AssetDifference[] = [
    SAME,
    { ...SAME, assetName: "skipped", toState: "INITIAL", tests: [{ testName: "s.t", from: { status: "SUCCESS" } }] },
    { ...SAME, assetName: "changed", sql: code },
    { ...SAME, assetName: "red", toState: "FAILED", sql: code },
  ];
  expect(inOrder(assets).map((asset) => asset.assetName)).toEqual(["red", "changed", "skipped", "a"]);
});

test("nodes that are red for the same reasons are one group", () => {
  const cause = { kind: "sql", assetName: "a", sentence: "a: its SQL changed (+1 -1)", evidence: [] };
  const red = (assetName: string, sentence: string) => ({ assetName, testNames: [], message: "", sentence, causes: [{ ...cause, sentence }] });
  const groups = redGroups([red("b", "one"), red("c", "other"), red("d", "one")]);
  expect(groups.map(({ sentence, nodes }) => [sentence, nodes.map((node) => node.assetName)])).toEqual([
    ["one", ["b", "d"]],
    ["other", ["c"]],
  ]);
});

test("the lines of a diff have their numbers in both texts", () => {
  expect(diffLines("@@ -9,3 +9,3 @@\n same\n--- a\n+++ b\n end")).toEqual([
    { kind: "hunk", text: "line 9" },
    { kind: "same", old: 9, new: 9, text: "same" },
    { kind: "del", old: 10, text: "-- a" },
    { kind: "add", new: 10, text: "++ b" },
    { kind: "same", old: 11, new: 11, text: "end" },
  ]);
});
