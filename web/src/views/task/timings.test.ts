import { expect, test } from "vitest";
import { whatIfWords } from "./timings";

const ASSET = { assetName: "dds.fct_flight", tookMs: 1_400, wouldTakeMs: 700 };

test("what would be is said in one sentence", () => {
  expect(whatIfWords({ ...ASSET, taskMs: 1_900, savedMs: 700 }, 2_600)).toBe("take 1.90 s instead of 2.60 s");
  expect(whatIfWords({ ...ASSET, taskMs: 2_600, savedMs: 0 }, 2_600)).toBe("still take 2.60 s");
});
