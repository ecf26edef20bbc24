import { expect, test } from "vitest";
import { planRows } from "./plan";

test("a plan is read from the result to what was scanned, with each operator's share of the time", () => {
  const scan = { name: "TABLE SCAN", detail: "Table: a.b", rows: 10, durationMs: 3, children: [] };
  const join = { name: "HASH JOIN", detail: "n = n", rows: 4, durationMs: 1, children: [scan, { ...scan, durationMs: 0 }] };
  const rows = planRows({ name: "RESULT COLLECTOR", detail: "", rows: 0, durationMs: 0, children: [join] });
  expect(rows.map(({ depth, name, share }) => [depth, name, share])).toEqual([
    [0, "HASH JOIN", 0.25],
    [1, "TABLE SCAN", 0.75],
    [1, "TABLE SCAN", 0],
  ]);
});

test("an operator that is gone has no share of the time, and keeps what it did before", () => {
  const gone = { name: "TABLE SCAN", detail: "", change: "gone" as const, rowsBefore: 5, durationMsBefore: 9, children: [] };
  const rows = planRows({ name: "HASH JOIN", detail: "", change: "slower", durationMs: 8, durationMsBefore: 1, children: [gone] });
  expect(rows.map(({ change, share, durationMsBefore }) => [change, share, durationMsBefore])).toEqual([
    ["slower", 1, 1],
    ["gone", 0, 9],
  ]);
});
