/** Filters, lines, marks and the window of the Logs view. */
import { describe, expect, test } from "vitest";
import { countsInWords, downloadUrl, errorsOnly, type Filters, filtersInWords, filtersOf, pageUrl, toggled } from "./log_filters";
import { jsonOf, lineText, type LogLine, ownFields, parseExact, reason, valueText } from "./log_line";
import { fieldSearch, parts } from "./marks";
import { ROW_PX } from "../../parts/windowed";
import { rowWindow, scrollFor } from "./row_window";

const NOTHING: Filters = filtersOf("t", new URLSearchParams());
const of = (query: string) => filtersOf("a/b", new URLSearchParams(query));

describe("filters", () => {
  test("an address without filters shows all levels, and `none` shows none", () => {
    expect(NOTHING.levels).toBe(null);
    expect(of("level=none").levels).toEqual(new Set());
    expect(of("level=error,loud,info").levels).toEqual(new Set(["error", "info"]));
  });
  test("switching a level off and on again leaves no filter", () => {
    expect(toggled(NOTHING, "debug")).toEqual({ level: "critical,error,warning,info" });
    expect(toggled(of("level=error,warning,info,critical"), "debug")).toEqual({ level: null });
    expect(toggled(of("level=info"), "info")).toEqual({ level: "none" });
    expect(toggled(of("level=info"), "error", true)).toEqual({ level: "error" });
  });
  test("errors alone are shown, and with the same key everything again", () => {
    expect(errorsOnly(of("level=info"))).toEqual({ level: "critical,error" });
    expect(errorsOnly(of("level=error,critical"))).toEqual({ level: null });
  });
  test("the server is asked for exactly what the address says", () => {
    const filters = of("level=error&asset=s.a&q=50%25+%26");
    expect(pageUrl(filters, { offset: 200, limit: 10 })).toBe(
      "/api/logs/a%2Fb?asset=s.a&q=50%25+%26&offset=200&limit=10&level=error",
    );
    expect(downloadUrl(of("level=none"))).toBe("/api/logs/a%2Fb/download?level=");
  });
  test("words say what the filters hide", () => {
    const counts = { critical: 0, error: 0, warning: 1, info: 2, debug: 3 };
    expect(filtersInWords(NOTHING, counts)).toBe("");
    expect(filtersInWords(of("level=error,warning,info"), counts)).toBe("level debug");
    expect(filtersInWords(of("level=error,warning,info"), { ...counts, critical: 1 })).toBe("level critical, debug");
    expect(filtersInWords(of("level=none&asset=s.a&test=s.t&q=x"), counts)).toBe(
      "all levels; other assets than s.a; other tests than s.t; lines without “x”",
    );
    expect(countsInWords(counts)).toBe("0 errors · 1 warning · 2 info · 3 debug");
    expect(countsInWords({ ...counts, critical: 4 })).toBe("4 critical · 0 errors · 1 warning · 2 info · 3 debug");
  });
});

describe("lines", () => {
  const line: LogLine = {
    level: "error",
    time: "2026-11-21T23:58:02.754Z",
    message: "it\nbroke",
    taskId: "t",
    position: 7,
    asset: "s.a",
    error: "why",
    rows: 3,
    tags: ["a", 1],
  };
  test("no digit of a number is lost where the browser tells them", () => {
    const read = (text: string) => jsonOf(parseExact(text));
    expect(read('{"a":[70,"70.0",null,true]}')).toBe('{"a":[70,"70.0",null,true]}');
    const big = read('{"n":12345678901234567890}');
    expect([`{"n":12345678901234567890}`, `{"n":12345678901234567000}`]).toContain(big);
  });
  test("own fields are those that no column has", () => {
    expect(ownFields(line).map(([key]) => key)).toEqual(["rows", "tags"]);
    expect(ownFields(line, true).map(([key]) => key)).toEqual(["error", "rows", "tags"]);
    expect(valueText(line["tags"])).toBe('["a",1]');
  });
  test("an error or the last line of an exception follows the message", () => {
    expect(reason(line)).toBe("why");
    expect(reason({ ...line, error: 3, exception: "Traceback\n  x\nValueError: no\n" })).toBe("ValueError: no");
  });
  test("a copied line is one line", () => {
    expect(lineText(line)).toBe('2026-11-21T23:58:02.754Z  ERROR  s.a  it\\nbroke: why  rows=3  tags=["a",1]');
  });
});

describe("marks", () => {
  test("every place is marked, in any case, and no character is special", () => {
    expect(parts("Zählung zählt", "ZÄHL")).toEqual([
      { text: "Zähl", found: true },
      { text: "ung ", found: false },
      { text: "zähl", found: true },
      { text: "t", found: false },
    ]);
    expect(parts("a.b(c", ".B(")).toEqual([
      { text: "a", found: false },
      { text: ".b(", found: true },
      { text: "c", found: false },
    ]);
    for (const special of "\\^$.*+?()[]{}|/-&~#,=!<>:'\"`@% ") expect(parts(special, special)[0]!.found).toBe(true);
    expect(parts("", "x")).toEqual([{ text: "", found: false }]);
  });
  test("a search for a field", () => {
    expect(fieldSearch("durationMs= 68")).toEqual({ field: "durationms", value: "68" });
    expect(fieldSearch("no field=1")).toBe(null);
  });
});

describe("window", () => {
  test("a short list is drawn where it is scrolled to", () => {
    const window = rowWindow(100, 10 * ROW_PX + 5, 240);
    expect([window.height, window.top, window.first, window.last]).toEqual([2_400, 10, 2, 28]);
    expect(window.offset).toBe(2 * ROW_PX);
    expect(rowWindow(0, 0, 240).last).toBe(-1);
  });
  test.each([1_000_000, 5_000_000])("each of %i rows can be reached", (rows) => {
    for (const row of [0, 1, 777_777, rows - 2, rows - 1]) {
      const scrollTop = scrollFor(row, rows, 0, 240, true);
      const window = rowWindow(rows, scrollTop, 240);
      expect(window.height).toBeLessThan(33_554_430);
      expect(window.first).toBeLessThanOrEqual(row);
      expect(window.last).toBeGreaterThanOrEqual(row);
      const drawn = window.offset + (row - window.first) * ROW_PX;
      const top = Math.min(scrollTop, window.height - 240);
      expect(drawn).toBeGreaterThanOrEqual(top - 0.01);
      expect(drawn + ROW_PX).toBeLessThanOrEqual(top + 240.01);
    }
  });
  test("a row in sight needs no scrolling, one beyond the edge as little as possible", () => {
    expect(scrollFor(5, 100, 48, 240)).toBe(48);
    expect(scrollFor(1, 100, 48, 240)).toBe(24);
    expect(scrollFor(12, 100, 48, 240)).toBe(13 * ROW_PX - 240);
  });
});
