/** The graph as an SVG file, as it looks now: names and states as text, colours of the present theme. */
import type { Look } from "../../parts/look";
import type { Colours } from "./painting";
import { NODE_HEIGHT, NODE_WIDTH, type Scene, type SceneNode } from "./scene";

const ESCAPES: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };
// XML allows no other control characters, not even escaped.
const NOT_IN_XML = /[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu;

export const escaped = (text: string): string => text.replace(NOT_IN_XML, "\uFFFD").replace(/[&<>"']/g, (letter) => ESCAPES[letter]!);

type LookOf = (asset: string) => Look;
type WordOf = (asset: string) => string;

/** The document. `lookOf` says how an asset is now, and `wordOf` in a word. */
export function svgOf(scene: Scene, colours: Colours, lookOf: LookOf, wordOf: WordOf): string {
  const { width, height } = scene;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="sans-serif">`,
    `<rect width="${width}" height="${height}" fill="${colours.bg}"/>`,
    ...scene.stages.flatMap((stage) => [
      `<rect x="${stage.x}" y="12" width="${stage.width}" height="${height - 24}" rx="4" fill="none" stroke="${colours.line}"/>`,
      `<text x="${stage.x + 10}" y="32" font-size="13" font-weight="600" fill="${colours.text}">${escaped(stage.name)}</text>`,
    ]),
    ...scene.edges.map(({ points }) => `<path d="${pathOf(points)}" fill="none" stroke="${colours.lineStrong}"/>`),
    ...scene.nodes.map((node) => card(node, colours, lookOf, wordOf)),
    "</svg>",
    "",
  ].join("\n");
}

function card(node: SceneNode, colours: Colours, lookOf: LookOf, wordOf: WordOf): string {
  const name = node.isStage ? node.name : node.name.slice(node.stage.length + 1);
  const look = lookOf(node.name);
  const dashes = look === "skipped" ? ' stroke-dasharray="4 3"' : "";
  const line = look === "failed" || look === "running" || look === "testing" ? colours.fill[look] : colours.lineStrong;
  const text = (content: string, y: number, more: string): string =>
    `<text x="${node.x + 9}" y="${node.y + y}" fill="${colours.text}" ${more}>${escaped(content)}</text>`;
  return [
    `<g><title>${escaped(node.name)}</title>`,
    `<rect x="${node.x}" y="${node.y}" width="${NODE_WIDTH}" height="${NODE_HEIGHT}" rx="4" fill="${colours.surface}" stroke="${line}"${dashes}${look === "failed" ? ' stroke-width="2"' : ""}/>`,
    text(name.length > 20 ? `${name.slice(0, 19)}…` : name, 20, 'font-size="12" font-weight="600"'),
    node.isStage ? "" : text(wordOf(node.name), 37, 'font-size="11"'),
    "</g>",
  ].join("");
}

export function pathOf(points: readonly number[]): string {
  let [x, y] = [points[0]!, points[1]!];
  let path = `M${x} ${y}`;
  for (let at = 2; at < points.length; at += 2) {
    const [toX, toY] = [points[at]!, points[at + 1]!];
    const middle = (x + toX) / 2;
    path += y === toY ? `H${toX}` : `C${middle} ${y} ${middle} ${toY} ${toX} ${toY}`;
    [x, y] = [toX, toY];
  }
  return path;
}
