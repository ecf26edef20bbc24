import { describe, expect, test } from "vitest";
import { changeWords, comparedWords, type Ledger, ledgerRows, unlisted } from "./ledger";

const LEDGER: Ledger = {
  tasks: [
    { taskId: "two", rowCount: 1200, keptRows: 1000, newRows: 2, fixedRows: 1, maybeNewRows: 0, columnsChanged: true },
    { taskId: "one", rowCount: 1, keptRows: 1 },
  ],
  taskId: "two",
  comparedWith: "one",
  columns: [{ name: "id", type: "INTEGER" }],
  groups: [
    { state: "new", count: 2, rows: [[5]], since: ["two"], sinceIsExact: [true] },
    { state: "fixed", count: 1, rows: [[1]], since: ["one"], sinceIsExact: [false] },
  ],
};

describe("a ledger", () => {
  test("lists the rows of all kinds or of one, and says how many are missing", () => {
    expect(ledgerRows(LEDGER).map((row) => [row.became, row.cells[0], row.since, row.sinceIsExact])).toEqual([
      ["new", 5, "two", true],
      ["fixed", 1, "one", false],
    ]);
    expect(ledgerRows(LEDGER, "fixed")).toHaveLength(1);
    expect(unlisted(LEDGER, "")).toBe(1);
    expect(unlisted(LEDGER, "fixed")).toBe(0);
  });

  test("says what rows are compared with, and what is not known", () => {
    expect(comparedWords(LEDGER)).toBe(
      "since one, by all values; the columns have changed; of 1,200 rows of two, 1,000 were kept",
    );
    expect(comparedWords({ ...LEDGER, tasks: [], keyFields: ["id", "day"] })).toBe("since one, by id, day");
  });

  test("says what changed in a task", () => {
    expect(changeWords(LEDGER.tasks[0])).toBe(", 2 new, 1 fixed");
    expect(changeWords(undefined)).toBe("");
  });
});
