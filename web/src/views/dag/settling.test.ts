import { expect, test } from "vitest";
import { isotonic, settled } from "./settling";

test("what decreases becomes its mean, and the rest stays", () => {
  expect(isotonic([1, 5, 2, 2, 7])).toEqual([1, 3, 3, 3, 7]);
  expect(isotonic([3, 2, 1])).toEqual([2, 2, 2]);
  expect(isotonic([])).toEqual([]);
});

test("an item is level with its only neighbour", () => {
  expect(settled([[0], [1], [2]], [[1], [0, 2], [1]], [44, 44, 44])).toEqual([0, 0, 0]);
});

test("items of a column keep their order and their distance", () => {
  const heights = settled([[0], [1, 2, 3]], [[1, 2, 3], [0], [0], [0]], [44, 44, 44, 4]);
  expect(heights[2]! - heights[1]!).toBeGreaterThanOrEqual(88);
  expect(heights[3]! - heights[2]!).toBeGreaterThanOrEqual(48);
  expect(Math.min(...heights)).toBe(0);
});
