import { expect, test } from "vitest";
import { rowOf, rowText } from "./row_text";

const COLUMNS = [
  { name: "id", type: "INTEGER", key: true as const },
  { name: "note", type: "VARCHAR" },
  { name: "tags", type: "VARCHAR[]" },
];

test("a row's text has all values that can be compared, or only its key if that is too long", () => {
  expect(rowText(COLUMNS, [1, null, ["a"]])).toBe('{"id":1,"note":null}');
  expect(rowText(COLUMNS, [1, "x".repeat(2000), []])).toBe('{"id":1}');
  expect(rowText(COLUMNS.slice(1), ["x".repeat(2000), []])).toBe("{}");
});

test("a text in the address that is no row is none", () => {
  expect(rowOf('{"id":1}')).toEqual({ id: 1 });
  for (const text of ["", "{}", "[1]", "1", "null", "{"]) expect(rowOf(text)).toBeNull();
});
