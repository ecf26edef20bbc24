/** Draws on the two canvases: stages and edges below, and nodes that are too small to be buttons above. */
import type { Look } from "../../parts/look";
import type { Camera } from "./camera";
import { NODE_HEIGHT, NODE_WIDTH, type Scene, type SceneEdge, type SceneNode } from "./scene";

/** What the scene looks like now, beside where things are. */
export interface Marks {
  readonly look: (node: SceneNode) => Look;
  /** The state in a word. */
  readonly word: (node: SceneNode) => string;
  readonly isBlocked: (edge: SceneEdge) => boolean;
  readonly selected: string;
  /** Whether an edge leads downstream of the selected asset, or is on the way of the chosen column. */
  readonly isMarked: (edge: SceneEdge) => boolean;
  readonly isDim: (node: SceneNode) => boolean;
  /** Whether edges that are not marked are dim, whatever they connect. */
  readonly pales: boolean;
  /** The node that has the keyboard's focus while it is drawn, or "". */
  readonly focused: string;
}

export interface Colours {
  readonly bg: string;
  readonly surface: string;
  readonly line: string;
  readonly lineStrong: string;
  readonly text: string;
  readonly accent: string;
  readonly fill: Readonly<Record<Look, string>>;
  readonly font: string;
}

/** The theme's colours, as a canvas takes them. */
export function coloursOf(element: Element): Colours {
  const style = getComputedStyle(element);
  const of = (name: string): string => style.getPropertyValue(`--${name}`);
  return {
    bg: of("bg"),
    surface: of("surface"),
    line: of("line"),
    lineStrong: of("line-strong"),
    text: of("text"),
    accent: of("accent"),
    fill: {
      success: of("surface"),
      failed: of("failed-fill"),
      running: of("running-fill"),
      testing: of("testing-fill"),
      skipped: of("bg"),
      waiting: of("surface"),
      warn: of("warn-fill"),
    },
    font: style.fontFamily,
  };
}

/** A part of the scene on a canvas: the camera, the size, and the pixels of a CSS pixel. */
export interface Sheet {
  readonly context: CanvasRenderingContext2D;
  readonly camera: Camera;
  readonly width: number;
  readonly height: number;
  readonly density: number;
}

const EDGES_A_PATH = 400;
const NAMED_ZOOM = 0.4;
/** From this zoom on, there is room for the state's word below the name. */
const WORDED_ZOOM = 0.45;
const NAME_PX = 11;
const WORD_PX = 10;
const DIM = 0.3;

function cleared({ context, camera, width, height, density }: Sheet): void {
  context.setTransform(density, 0, 0, density, 0, 0);
  context.clearRect(0, 0, width, height);
  context.setTransform(density * camera.zoom, 0, 0, density * camera.zoom, density * camera.x, density * camera.y);
}

/** Stages and edges. */
export function paintBelow(sheet: Sheet, scene: Scene, marks: Marks, colours: Colours): void {
  cleared(sheet);
  const { context, camera } = sheet;
  context.strokeStyle = colours.line;
  context.lineWidth = 1 / camera.zoom;
  for (const stage of scene.stages) {
    context.beginPath();
    context.roundRect(stage.x + 0.5 / camera.zoom, 12 + 0.5 / camera.zoom, stage.width, scene.height - 24, 4 / camera.zoom);
    context.stroke();
  }
  paintEdges(sheet, scene, marks, colours);
}

function paintEdges({ context, camera, width, height }: Sheet, scene: Scene, marks: Marks, colours: Colours): void {
  const { x, y, zoom } = camera;
  const [left, top, right, bottom] = [-x / zoom, -y / zoom, (width - x) / zoom, (height - y) / zoom];
  const [plain, dim]: [SceneEdge[], SceneEdge[]] = [[], []];
  const marked: { edge: SceneEdge; selected: boolean; blocked: boolean }[] = [];
  for (const edge of scene.edges) {
    if (edge.right < left || edge.left > right || edge.bottom < top || edge.top > bottom) continue;
    const selected = marks.isMarked(edge);
    const blocked = marks.isBlocked(edge);
    if (selected || blocked) marked.push({ edge, selected, blocked });
    else if (marks.pales || (marks.isDim(scene.nodes[edge.from]!) && marks.isDim(scene.nodes[edge.to]!))) dim.push(edge);
    else plain.push(edge);
  }
  // Thinner than a pixel means paler: many edges at a small scale must not become one dark area.
  const thin = Math.max(0.35, Math.min(1, zoom * 2));
  stroke(context, dim, colours.line, thin / zoom, []);
  stroke(context, plain, colours.lineStrong, thin / zoom, []);
  for (const blocked of [false, true]) {
    for (const selected of [false, true]) {
      const edges = marked.filter((one) => one.selected === selected && one.blocked === blocked).map((one) => one.edge);
      const line = selected ? (blocked ? 2 : 1.75) : 1.25;
      const dashes = blocked ? [4 / zoom, 3 / zoom] : [];
      stroke(context, edges, blocked ? colours.fill.failed : colours.accent, line / zoom, dashes);
    }
  }
}

function stroke(context: CanvasRenderingContext2D, edges: readonly SceneEdge[], colour: string, line: number, dashes: number[]): void {
  context.strokeStyle = colour;
  context.lineWidth = line;
  context.setLineDash(dashes);
  for (let from = 0; from < edges.length; from += EDGES_A_PATH) {
    context.beginPath();
    for (const { points } of edges.slice(from, from + EDGES_A_PATH)) trace(context, points);
    context.stroke();
  }
  context.setLineDash([]);
}

function trace(context: CanvasRenderingContext2D, points: readonly number[]): void {
  let [x, y] = [points[0]!, points[1]!];
  context.moveTo(x, y);
  for (let at = 2; at < points.length; at += 2) {
    const [toX, toY] = [points[at]!, points[at + 1]!];
    const middle = (x + toX) / 2;
    if (y === toY) context.lineTo(toX, toY);
    else context.bezierCurveTo(middle, y, middle, toY, toX, toY);
    [x, y] = [toX, toY];
  }
}

/** Nodes as rectangles. `whole` clears the sheet first; otherwise only the given nodes are drawn over. */
export function paintNodes(sheet: Sheet, nodes: Iterable<SceneNode>, marks: Marks, colours: Colours, whole: boolean): void {
  if (whole) cleared(sheet);
  const { context, camera, density } = sheet;
  context.setTransform(density, 0, 0, density, 0, 0);
  context.textBaseline = "middle";
  for (const node of nodes) paintNode(context, camera, node, marks, colours);
}

function paintNode(context: CanvasRenderingContext2D, { x, y, zoom }: Camera, node: SceneNode, marks: Marks, colours: Colours): void {
  const left = Math.round(x + node.x * zoom);
  const top = Math.round(y + node.y * zoom);
  const width = Math.max(2, Math.round(NODE_WIDTH * zoom));
  const height = Math.max(2, Math.round(NODE_HEIGHT * zoom));
  const look = marks.look(node);
  const isLoud = look === "failed" || look === "running" || look === "testing";
  context.clearRect(left, top, width, height);
  context.globalAlpha = marks.isDim(node) ? DIM : 1;
  context.fillStyle = colours.fill[look];
  context.fillRect(left, top, width, height);
  if (!isLoud && height >= 3) {
    context.strokeStyle = look === "waiting" ? colours.line : colours.lineStrong;
    context.lineWidth = 1;
    if (look === "skipped") context.setLineDash([3, 2]);
    context.strokeRect(left + 0.5, top + 0.5, width - 1, height - 1);
    context.setLineDash([]);
  } else if (!isLoud) {
    context.fillStyle = look === "success" ? colours.lineStrong : colours.line;
    context.fillRect(left, top, width, height);
  }
  if (zoom >= NAMED_ZOOM) {
    context.fillStyle = isLoud ? colours.surface : colours.text;
    const words = zoom >= WORDED_ZOOM && !node.isStage ? marks.word(node) : "";
    write(context, shortName(node), left + 5, top + height * (words ? 0.3 : 0.5), width - 9, `600 ${NAME_PX}px ${colours.font}`);
    if (words) write(context, words, left + 5, top + height * 0.73, width - 9, `${WORD_PX}px ${colours.font}`);
  }
  context.globalAlpha = 1;
  if (node.name === marks.selected || node.name === marks.focused) {
    context.strokeStyle = colours.accent;
    context.lineWidth = 2;
    context.strokeRect(left - 2, top - 2, width + 4, height + 4);
  }
}

/** The name without its stage. */
const shortName = (node: SceneNode): string => (node.isStage ? node.name : node.name.slice(node.stage.length + 1));

/** As much of a text as fits. */
function write(context: CanvasRenderingContext2D, text: string, x: number, y: number, width: number, font: string): void {
  context.font = font;
  const needed = context.measureText(text).width;
  const letters = Math.max(1, Math.floor((text.length * width) / needed) - 1);
  context.fillText(needed <= width ? text : `${text.slice(0, letters)}…`, x, y, width);
}
