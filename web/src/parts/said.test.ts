import { expect, test } from "vitest";
import { excerpts } from "./said";

test("a line and the caret below it stay together", () => {
  expect(excerpts('Binder Error: no "nope"\n\nLINE 1: SELECT nope,\n               ^^^^\nend')).toEqual([
    { lines: ['Binder Error: no "nope"', ""], isExcerpt: false },
    { lines: ["LINE 1: SELECT nope,", "               ^^^^"], isExcerpt: true },
    { lines: ["end"], isExcerpt: false },
  ]);
  expect(excerpts("^")).toEqual([{ lines: ["^"], isExcerpt: false }]);
});
