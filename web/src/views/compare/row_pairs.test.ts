import { expect, test } from "vitest";
import { changesFirst, type RowPairs } from "./row_pairs";

const FOUND: RowPairs = {
  difference: { added: 1, removed: 0, changed: 1, key: ["id"] },
  columns: [
    { name: "name", type: "VARCHAR" },
    { name: "id", type: "INTEGER", key: true },
    { name: "price", type: "INTEGER" },
  ],
  leftOut: [],
  matchingRecords: 2,
  rows: [
    { change: "changed", from: ["a", 1, 5], to: ["a", 1, 6], cells: [2] },
    { change: "added", to: ["b", 2, 7], cells: [] },
  ],
};

test("the key comes first, then the columns that changed, with their values and marks", () => {
  const shown = changesFirst(FOUND);
  expect(shown.columns.map((column) => column.name)).toEqual(["id", "price", "name"]);
  expect(shown.rows).toEqual([
    { change: "changed", from: [1, 5, "a"], to: [1, 6, "a"], cells: [1] },
    { change: "added", to: [2, 7, "b"], cells: [] },
  ]);
});
