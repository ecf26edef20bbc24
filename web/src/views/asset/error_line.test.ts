import { expect, test } from "vitest";
import { lineIn } from "./error_line";

test("the line that an error names is found, of this file only", () => {
  expect(lineIn("assets/models/a/b.sql:7: undefined", "assets/models/a/b.sql")).toBe(7);
  expect(lineIn("ValueError: no (b.py:12)", "assets/models/a/b.py")).toBe(12);
  expect(lineIn("ValueError: no (c.py:12)", "assets/models/a/b.py")).toBeUndefined();
  expect(lineIn("Binder Error", "assets/models/a/b.sql")).toBeUndefined();
});
