import { expect, test } from "vitest";
import { markdown, safeAddress } from "./markdown";

test("paragraphs, headings, lists and code are blocks", () => {
  expect(markdown("# Weather\nfrom *three* airports\n\n- a `b`\n- **c**\n\n```\n<b>\n```")).toEqual([
    { kind: "heading", text: ["Weather"] },
    { kind: "paragraph", text: ["from ", { kind: "em", text: ["three"] }, " airports"] },
    { kind: "list", ordered: false, items: [["a ", { kind: "code", text: ["b"] }], [{ kind: "strong", text: ["c"] }]] },
    { kind: "code", text: "<b>" },
  ]);
});

test("raw HTML stays text", () => {
  expect(markdown("<img src=x onerror=alert(1)> <b>x</b>")).toEqual([
    { kind: "paragraph", text: ["<img src=x onerror=alert(1)> <b>x</b>"] },
  ]);
});

test("only http and https addresses are links", () => {
  const link = { kind: "link", href: "https://example.com/a", text: ["a"] };
  expect(markdown("[a](https://example.com/a)")).toEqual([{ kind: "paragraph", text: [link] }]);
  expect(markdown("see https://example.com/a.")).toEqual([
    { kind: "paragraph", text: ["see ", { ...link, text: ["https://example.com/a"] }, "."] },
  ]);
  for (const address of ["javascript:alert(1)", "data:text/html,x", "//evil", "vbscript:x", "java\nscript:x", "file:///x"]) {
    expect(safeAddress(address)).toBe("");
  }
  expect(markdown("[a](javascript:alert(1)")).toEqual([{ kind: "paragraph", text: ["[a](javascript:alert(1)"] }]);
});

test("names with underscores and products are not emphasis", () => {
  expect(markdown("snake_case_name and 2 * 3 * 4")).toEqual([{ kind: "paragraph", text: ["snake_case_name and 2 * 3 * 4"] }]);
});

test("long and hostile text is read at once, and whole", () => {
  for (const unit of ["*", "**a ", "_", "`", "[", "[a](", "\\", "- ", "- a\n", "# a\n", "```\n", "https://", "_a *b ", "*a _b_ "]) {
    const blocks = markdown(unit.repeat(500_000 / unit.length));
    expect(JSON.stringify(blocks).length, unit).toBeGreaterThan(300_000);
  }
});
