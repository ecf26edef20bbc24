import { expect, test } from "vitest";
import { closeTo, first, fitted, held, LARGEST_ZOOM, leastZoom, NEAR_ZOOM, revealing, zoomedAt } from "./camera";

const VIEW = { width: 1_000, height: 800 };

test("a scene with room keeps its size, and a large one is all in view", () => {
  expect(fitted({ width: 900, height: 700 }, VIEW)).toEqual({ x: 0, y: 0, zoom: 1 });
  const { x, y, zoom } = fitted({ width: 10_000, height: 2_000 }, VIEW);
  expect([x >= 0, y >= 28, x + 10_000 * zoom <= 1_000, y + 2_000 * zoom <= 800]).toEqual([true, true, true, true]);
});

test("a long chain is first seen at its start, large enough to read; a square graph as a whole", () => {
  expect(first({ width: 86_000, height: 140 }, VIEW)).toEqual({ x: 0, y: 358, zoom: NEAR_ZOOM });
  expect(first({ width: 8_600, height: 8_800 }, VIEW)).toEqual(fitted({ width: 8_600, height: 8_800 }, VIEW));
});

test("zooming keeps what is under the pointer there, within limits", () => {
  expect(zoomedAt({ x: 100, y: 50, zoom: 1 }, 300, 250, 2, 0.1)).toEqual({ x: -100, y: -150, zoom: 2 });
  expect(zoomedAt({ x: 0, y: 0, zoom: 1 }, 0, 0, 100, 0.1).zoom).toBe(LARGEST_ZOOM);
  expect(zoomedAt({ x: 0, y: 0, zoom: 1 }, 0, 0, 0, 0.1).zoom).toBe(0.1);
  expect(leastZoom({ width: 100_000, height: 100 }, VIEW)).toBeCloseTo(0.008);
});

test("the scene cannot be lost", () => {
  const scene = { width: 500, height: 400 };
  expect(held({ x: 5_000, y: 5_000, zoom: 1 }, scene, VIEW)).toEqual({ x: 920, y: 720, zoom: 1 });
  expect(held({ x: -5_000, y: -5_000, zoom: 1 }, scene, VIEW)).toEqual({ x: -420, y: -320, zoom: 1 });
});

test("a node comes into view by as little as is needed", () => {
  const camera = { x: 0, y: 0, zoom: 1 };
  expect(revealing(camera, { x: 100, y: 100, width: 132, height: 64 }, VIEW)).toEqual(camera);
  expect(revealing(camera, { x: 1_000, y: 100, width: 132, height: 64 }, VIEW)).toEqual({ x: -156, y: 0, zoom: 1 });
  expect(revealing(camera, { x: -50, y: 900, width: 132, height: 64 }, VIEW)).toEqual({ x: 74, y: -188, zoom: 1 });
  expect(closeTo({ x: 0, y: 0, zoom: 0.1 }, { x: 1_000, y: 1_000, width: 132, height: 64 }, VIEW).zoom).toBe(0.8);
});
