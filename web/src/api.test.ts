import { expect, test } from "vitest";
import { exactly } from "./api";

test("a number that a JavaScript number cannot hold keeps its digits", () => {
  const text = '{"id":12345678901234567890,"share":1.0,"rows":[7,0.1,"1.0"]}';
  expect(JSON.stringify(exactly(text))).toBe("rawJSON" in JSON ? text : JSON.stringify(JSON.parse(text)));
});
