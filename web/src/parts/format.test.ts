import { expect, test } from "vitest";
import { count, counted, cutInside, day, duration, ticking, timeOfDay } from "./format";

test("durations have the unit that fits", () => {
  expect([0, 4.6, 999, 1_750, 123_000, 3_900_000].map(duration)).toEqual([
    "0 ms",
    "5 ms",
    "999 ms",
    "1.75 s",
    "2 min 3 s",
    "1 h 5 min",
  ]);
});

test("a running clock shows hundredths and never goes below zero", () => {
  expect([-5, 60, 1_080, 61_000].map(ticking)).toEqual(["0.00 s", "0.06 s", "1.08 s", "1 min 1 s"]);
});

test("counts have separators, and nouns agree", () => {
  expect([count(336_776), counted(1, "row"), counted(20, "row"), counted(2, "entry", "entries")]).toEqual([
    "336,776",
    "1 row",
    "20 rows",
    "2 entries",
  ]);
});

test("times and days are in UTC", () => {
  expect([timeOfDay(1_795_639_412_000), day(1_795_639_412_000)]).toEqual(["20:43:32", "25 November 2026"]);
});

test("a name is cut inside, so that its end is left", () => {
  expect(["nightly", "task_20261126_020319_187"].map((name) => cutInside(name, 12))).toEqual(["nightly", "tas…0319_187"]);
});
