import { describe, expect, it } from "vitest";
import { jsonOf, lengthOf, shownText, tsvOf } from "./cells";
import { conditionOf, conditionText, sortedBy, sortKeys, sortText } from "./conditions";
import { heightOf, ROW_PX, scrollFor, shownAt } from "./scrolling";

describe("conditions", () => {
  it("reads what it writes, also for names with a colon", () => {
    const columns = ["a", "a:b", "delay"];
    for (const text of ["delay:gt:12.5", "a:b:eq:x:y", "a:isnull", "a:eq:"]) {
      expect(conditionText(conditionOf(text, columns)!)).toBe(text);
    }
    expect(conditionOf("a:b:eq:x:y", columns)).toEqual({ column: "a:b", operator: "eq", value: "x:y" });
    expect(conditionOf("delay:like:x", columns)).toBeNull();
  });

  it("sorts ascending, descending, and not at all", () => {
    let keys = sortedBy([], "a", false);
    expect(sortText(keys)).toBe("a");
    keys = sortedBy(keys, "b", true);
    expect(sortText((keys = sortedBy(keys, "a", true)))).toBe("-a,b");
    expect(sortText(sortedBy(keys, "a", true))).toBe("b");
    expect(sortText(sortedBy(keys, "c", false))).toBe("c");
    const odd = [{ column: 'a,"b', direction: "descending" as const }];
    expect(sortKeys(sortText(odd), ['a,"b'])).toEqual(odd);
  });
});

describe("scrolling", () => {
  it("shows the rows at a position, with the room of the others", () => {
    const { from, to, above, below } = shownAt(2_400, 1_000, 480);
    expect(from).toBeLessThanOrEqual(100);
    expect(to).toBeGreaterThanOrEqual(120);
    expect(above + (to - from) * ROW_PX + below).toBe(24_000);
  });

  it("reaches the first and the last of many million rows, one by one", () => {
    const rows = 5_000_000;
    const height = heightOf(rows);
    expect(height).toBeLessThan(33_554_430);
    expect(shownAt(0, rows, 480).from).toBe(0);
    expect(shownAt(height - 480, rows, 480).to).toBe(rows);
    for (const row of [0, 1, 77, 2_500_000, rows - 1]) {
      const at = scrollFor(row, 0, rows, 480);
      const shown = shownAt(at, rows, 480);
      expect(shown.from).toBeLessThanOrEqual(row);
      expect(shown.to).toBeGreaterThan(row);
      expect(scrollFor(row, at, rows, 480)).toBeCloseTo(at, 3);
    }
  });
});

describe("cells", () => {
  const decimal = { name: "d", type: "DECIMAL(5,1)" };
  const text = { name: "t", type: "VARCHAR" };

  it("keeps all digits, and tells NULL from an empty text", () => {
    expect(jsonOf("170141183460469231731687303715884105727", { name: "h", type: "HUGEINT" })).toBe("170141183460469231731687303715884105727");
    expect(jsonOf("1.10", decimal)).toBe("1.10");
    expect(jsonOf("1.10", text)).toBe('"1.10"');
    expect([lengthOf(null, text), lengthOf("", text)]).toEqual(["NULL: no value at all", "0 characters. Not NULL: NULL is no value at all"]);
    expect(lengthOf("1.10", decimal)).toBe("3 digits");
  });

  it("copies rows that stay rows", () => {
    expect(tsvOf([["a\tb", null, 1], ["c\nd", "", { x: 1 }]])).toBe('a b\t\t1\nc d\t\t{"x":1}');
    expect(shownText("x".repeat(1_000))).toHaveLength(301);
  });
});
