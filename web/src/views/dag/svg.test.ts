import { expect, test } from "vitest";
import { sceneOf } from "./scene";
import { escaped, pathOf, svgOf } from "./svg";

const COLOURS = {
  bg: "#fff",
  surface: "#fff",
  line: "#ccc",
  lineStrong: "#777",
  text: "#000",
  accent: "#50c",
  font: "sans-serif",
  fill: { success: "#fff", failed: "#d50", running: "#07b", testing: "#28c", skipped: "#fff", waiting: "#fff", warn: "#750" },
};

test("a line is straight between points of a height, and curved between others", () => {
  expect(pathOf([156, 84, 196, 84])).toBe("M156 84H196");
  expect(pathOf([328, 146, 368, 128, 500, 128])).toBe("M328 146C348 146 348 128 368 128H500");
});

test("no name becomes markup, and what XML cannot hold is replaced", () => {
  expect(escaped(`<a href="x">&'`)).toBe("&lt;a href=&quot;x&quot;&gt;&amp;&#39;");
  expect(escaped("a\u0000b\u001bc\ud800d😀")).toBe("a\ufffdb\ufffdc\ufffdd😀");
});

test("the file names each asset with its state in words", () => {
  const name = "s.<script>alert(1)</script>";
  const layout = { graphHash: "", width: 200, height: 140, nodeWidth: 132, nodeHeight: 64, stages: [{ name: "s", x: 12, width: 156 }], edges: [] };
  const text = svgOf(sceneOf({ ...layout, nodes: [{ name, x: 24, y: 52 }] }, new Set()), COLOURS, () => "failed", () => "Failed");
  expect(text).not.toContain("<script");
  expect(text).toContain("<title>s.&lt;script&gt;alert(1)&lt;/script&gt;</title>");
  expect(text).toContain(">Failed</text>");
});
