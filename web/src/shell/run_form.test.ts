import { describe, expect, test } from "vitest";
import { dataOf, EMPTY_FORM, formOf, inMode, requestOf, type RunForm } from "./run_form";

const rows = (...pairs: [string, string][]): RunForm => ({ ...EMPTY_FORM, rows: pairs.map(([key, value]) => ({ key, value })) });
const json = (text: string): RunForm => ({ ...EMPTY_FORM, mode: "json", json: text });

describe("the data", () => {
  test("of rows: what is JSON is taken as that, anything else as text, and empty rows are left out", () => {
    const form = rows(["n", "3"], ["since", "2013-01-01"], ["on", "true"], ["text", '"3"'], ["", " "], ["list", "[1, 2]"]);
    expect(dataOf(form)).toEqual({ value: { n: 3, since: "2013-01-01", on: true, text: "3", list: [1, 2] } });
  });

  test("of rows: a value without a name and a name that appears twice are refused", () => {
    expect(dataOf(rows(["", "3"]))).toEqual({ error: "The value 3 has no name." });
    expect(dataOf(rows(["a", "1"], [" a ", "2"]))).toEqual({ error: "a appears twice; keep one." });
    expect(dataOf(rows(["__proto__", "1"]))).toHaveProperty("value");
  });

  test("of JSON: anything but an object is refused", () => {
    expect(dataOf(json(""))).toEqual({ value: {} });
    expect(dataOf(json("[]"))).toEqual({ error: 'The data must be a JSON object, such as {"since": "2013-01-01"}.' });
    expect(dataOf(json('{\n  "a": x}'))).toEqual({ error: "Not valid JSON: x is not expected here." });
    expect(dataOf(json('{\n  a: 1}'))).toHaveProperty("error", expect.stringMatching(/^Not valid JSON: Expected .* \(line 2, column 3\)\.$/));
  });
});

test("the request has only what differs from the server's defaults", () => {
  expect(requestOf(EMPTY_FORM)).toEqual({ value: {} });
  const form = { ...rows(["a", "1"]), select: " +mart.x ", runTests: false, profile: true };
  expect(requestOf(form)).toEqual({ value: { data: { a: 1 }, select: "+mart.x", runTests: false, profile: true } });
});

test("the data stays the same in the other mode, and what cannot be read stays where it is", () => {
  const form = rows(["n", "3"], ["text", '"3"'], ["day", "monday"]);
  const there = inMode(form, "json");
  expect(JSON.parse(there.json)).toEqual({ n: 3, text: "3", day: "monday" });
  expect(dataOf(inMode(there, "rows"))).toEqual(dataOf(form));
  expect(inMode(json("{"), "rows")).toEqual(json("{"));
});

test("a kept form is read again; anything else is an empty one", () => {
  const form = rows(["a", "1"]);
  expect(formOf(JSON.stringify(form))).toEqual(form);
  for (const kept of [null, "", "{", "[]", '{"rows": 1}']) expect(formOf(kept)).toEqual(EMPTY_FORM);
});
