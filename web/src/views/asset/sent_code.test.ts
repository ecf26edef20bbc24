import { expect, test } from "vitest";
import { isAsSent, writtenLine } from "./sent_code";

const WRITTEN = 'SELECT\n    a,\n    b\nFROM {{ Ref("x.y") }}';
const SENT = "CREATE OR REPLACE TABLE m.n AS SELECT\n    a,\n    b\nFROM x.y";

test("a line that was sent is found in the code as it is written", () => {
  expect([1, 3, 4].map((line) => writtenLine(WRITTEN, SENT, line))).toEqual([1, 3, 4]);
  expect(writtenLine(WRITTEN, `-- of the run\n${SENT}`, 4)).toBe(3);
});

test("a line that was edited since is not marked", () => {
  expect(writtenLine(WRITTEN.replace("b\n", "c\n"), SENT, 3)).toBeUndefined();
  expect(writtenLine("a\na", "x\na\na", 2)).toBeUndefined();
  expect(writtenLine(WRITTEN, SENT, 9)).toBeUndefined();
});

test("what is sent is compared with what was sent", () => {
  expect(isAsSent(SENT, SENT.replace("OR REPLACE ", ""))).toBe(true);
  expect(isAsSent(SENT, SENT.replace("b", "c"))).toBe(false);
  expect(isAsSent("SELECT 1", "SELECT 2")).toBe(false);
});
