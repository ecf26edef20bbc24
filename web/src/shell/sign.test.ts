import { expect, test } from "vitest";
import { type Facts, signOf, svgOf, titleOf } from "./sign";

const FACTS: Facts = { status: "IN_PROGRESS", isOffline: false, isLoaded: true, runs: true, ended: 7, total: 22, failed: false };
const titled = (facts: Partial<Facts>): string => titleOf(signOf({ ...FACTS, ...facts }), "nightly", "shop");

test("the title says how the task stands, first what matters most", () => {
  expect(titled({})).toBe("7 of 22 · nightly · shop");
  expect(titled({ failed: true })).toBe("7 of 22, failed · nightly · shop");
  expect(titled({ runs: false, status: "SUCCESS" })).toBe("Done · nightly · shop");
  expect(titled({ runs: false, status: "FAILED" })).toBe("Failed · nightly · shop");
  expect(titled({ isOffline: true })).toBe("Offline · shop");
  expect(titled({ runs: false, isLoaded: false })).toBe("Cannot be loaded · shop");
  expect(titled({ runs: false, status: undefined })).toBe("shop");
});

test("each kind has a silhouette of its own, and the ring grows with the task", () => {
  const kinds = [
    signOf({ ...FACTS, runs: false, status: undefined }),
    signOf(FACTS),
    signOf({ ...FACTS, ended: 22 }),
    signOf({ ...FACTS, runs: false, status: "SUCCESS" }),
    signOf({ ...FACTS, runs: false, status: "FAILED" }),
    signOf({ ...FACTS, isOffline: true }),
    signOf({ ...FACTS, runs: false, isLoaded: false }),
  ];
  expect(new Set(kinds.map(svgOf)).size).toBe(kinds.length);
});
