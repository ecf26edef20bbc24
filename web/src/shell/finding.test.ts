import { expect, test } from "vitest";
import { best, matchOf } from "./finding";

const marked = (text: string, typed: string): string | undefined =>
  matchOf(text, typed)?.marks.map(([from, to]) => text.slice(from, to)).join("|");

test("what was typed is found where a part of the name begins, whatever its case", () => {
  expect(matchOf("staging.weather", "WE")?.marks).toEqual([[8, 10]]);
  expect(matchOf("dds.wewe_weather", "we")?.marks).toEqual([[4, 6]]);
  expect(matchOf("mart.owl_weather", "we")?.marks).toEqual([[9, 11]]);
});

test("words are found in any order, letters only in order", () => {
  expect(marked("mart.weather_delay", "delay wea")).toBe("wea|delay");
  expect(marked("Why is it red now?", "we")).toBe("W|e");
  expect(matchOf("mart.late", "el")).toBeNull();
});

test("nothing typed matches all, and overlapping words are one mark", () => {
  expect(matchOf("anything", "  ")).toEqual({ rank: 0, marks: [] });
  expect(matchOf("weather", "weat eath")?.marks).toEqual([[0, 5]]);
});

test("a name that begins so comes before one that contains it, and letters apart only count alone", () => {
  const names = ["test_xlate", "l.a.t.e", "mart.late_streaks", "a_late"].map((name) => ({ name }));
  const found = (typed: string): string[] => best(names, (one) => one.name, typed, 4).map((one) => one.name);
  expect(found("late")).toEqual(["mart.late_streaks", "a_late", "test_xlate"]);
  expect(found("lte")).toEqual(["a_late", "test_xlate", "mart.late_streaks", "l.a.t.e"]);
});

test("a long text with many near matches is searched at once", () => {
  expect(matchOf("a".repeat(200_000), "a".repeat(50) + "b")).toBeNull();
});
