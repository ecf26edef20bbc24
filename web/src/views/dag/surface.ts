/**
 * The moving part of the graph: camera, gestures, and what is drawn in a frame. The canvases reach beyond the view, so that
 * panning only moves them; they are drawn again when the view leaves them, when the zoom changes, or when states do.
 */
import { signal } from "@preact/signals";
import { type Box, type Camera, closeTo, first, fitted, HEAD_HEIGHT, HEADED_ZOOM, held, leastZoom, NEAR_ZOOM, revealing, type Size, zoomedAt } from "./camera";
import { followGestures } from "./gestures";
import { type Colours, coloursOf, type Marks, paintBelow, paintNodes, type Sheet } from "./painting";
import { NODE_HEIGHT, NODE_WIDTH, nodesIn, type Scene } from "./scene";

/** How far the canvases reach beyond the view. */
const BEYOND = 240;
/** Buttons are created this far beyond the view, so that few frames create any. */
const AHEAD = 200;
/** While the zoom changes, the canvases are scaled, and drawn anew at most this often. */
const REDRAWN_MS = 90;
/** Edges change with states only where something is blocked: at most this often. */
const EDGES_MS = 250;
/** Narrower heads have one count, or none: half a number would be wrong. */
const NARROW_HEAD = 200;
const TINY_HEAD = 125;
/** What a benchmark measures up to: the graph is drawn for the first time. */
const DRAWN = "graph drawn";

interface Elements {
  readonly root: HTMLElement;
  readonly below: HTMLCanvasElement;
  readonly above: HTMLCanvasElement;
  /** Holds the buttons; it has the scene's coordinates. */
  readonly nodes: HTMLElement;
  /** Holds the heads of stages, which stay readable. */
  readonly heads: HTMLElement;
}

export class Surface {
  /** The indexes of the nodes that are buttons now. */
  readonly near = signal<readonly number[]>([]);
  readonly zoom = signal(1);
  private camera: Camera = { x: 0, y: 0, zoom: 1 };
  private painted: Camera | null = null;
  private paintedAt = 0;
  private edgesAt = 0;
  private size: Size = { width: 0, height: 0 };
  private colours: Colours;
  private isFitted = true;
  private frame = 0;
  private later: ReturnType<typeof setTimeout> | undefined;
  private edgesAreOld = false;
  private readonly changed = new Set<number>();
  private readonly ends: (() => void)[] = [];

  constructor(
    private readonly elements: Elements,
    private scene: Scene,
    private marks: Marks,
  ) {
    this.colours = coloursOf(elements.root);
    const observer = new ResizeObserver(() => this.resize());
    observer.observe(elements.root);
    this.ends.push(
      () => observer.disconnect(),
      followGestures(elements.root, {
        pan: (x, y) => this.move({ ...this.camera, x: this.camera.x + x, y: this.camera.y + y }),
        zoom: (x, y, factor) => this.zoomAt(x, y, factor),
      }),
      followTheme(() => this.recolour()),
    );
    this.resize();
  }

  close(): void {
    cancelAnimationFrame(this.frame);
    clearTimeout(this.later);
    for (const end of this.ends) end();
  }

  // What is shown

  /** Show another scene: all of it, or from where the camera is. */
  show(scene: Scene, marks: Marks, anew: boolean): void {
    this.scene = scene;
    this.marks = marks;
    this.painted = null;
    this.near.value = [];
    if (anew || this.isFitted) this.start();
    else this.move(this.camera);
  }

  /** Something other than a state has changed: what is selected, focused or dim. */
  mark(marks: Marks): void {
    this.marks = marks;
    this.painted = null;
    this.schedule();
  }

  /** The states of these nodes have changed. */
  stateOf(indexes: Iterable<number>): void {
    for (const index of indexes) this.changed.add(index);
    this.edgesAreOld = true;
    this.schedule();
  }

  // Where the camera is

  /** The first view of a scene. */
  private start(): void {
    this.isFitted = true;
    this.place(first(this.scene, this.size));
  }

  fit(): void {
    this.isFitted = true;
    this.place(fitted(this.scene, this.size));
  }

  zoomBy(factor: number): void {
    this.zoomAt(this.size.width / 2, this.size.height / 2, factor);
  }

  /** Move so that a node can be seen; `close` also makes it readable. */
  reveal(index: number, close = false): void {
    const node = this.scene.nodes[index];
    if (!node || this.size.width === 0) return;
    const box: Box = { x: node.x, y: node.y, width: NODE_WIDTH, height: NODE_HEIGHT };
    const camera = close && this.camera.zoom < NEAR_ZOOM ? closeTo(this.camera, box, this.size) : revealing(this.camera, box, this.size);
    if (camera.x !== this.camera.x || camera.y !== this.camera.y) this.move(camera);
  }

  private zoomAt(x: number, y: number, factor: number): void {
    this.move(zoomedAt(this.camera, x, y, factor, leastZoom(this.scene, this.size)));
  }

  private move(camera: Camera): void {
    this.isFitted = false;
    this.place(held(camera, this.scene, this.size));
  }

  private place(camera: Camera): void {
    this.camera = camera;
    this.zoom.value = camera.zoom;
    this.schedule();
  }

  private resize(): void {
    const { clientWidth: width, clientHeight: height } = this.elements.root;
    if (width === 0 || (width === this.size.width && height === this.size.height)) return;
    this.size = { width, height };
    for (const canvas of [this.elements.below, this.elements.above]) {
      canvas.width = (width + 2 * BEYOND) * devicePixelRatio;
      canvas.height = (height + 2 * BEYOND) * devicePixelRatio;
      canvas.style.width = `${width + 2 * BEYOND}px`;
      canvas.style.height = `${height + 2 * BEYOND}px`;
    }
    this.painted = null;
    if (this.isFitted) this.start();
    else this.move(this.camera);
    this.draw(); // in the same frame as the new size: the canvases are empty
  }

  private recolour(): void {
    this.colours = coloursOf(this.elements.root);
    this.painted = null;
    this.schedule();
  }

  // A frame

  private schedule(): void {
    this.frame ||= requestAnimationFrame(() => this.draw());
  }

  private draw(): void {
    cancelAnimationFrame(this.frame);
    this.frame = 0;
    if (this.size.width === 0) return;
    const { nodes } = this.elements;
    const { x, y, zoom } = this.camera;
    nodes.style.transform = `translate(${x}px, ${y}px) scale(${zoom})`;
    this.elements.root.classList.toggle("far", !this.isNear);
    this.placeHeads();
    this.showNear();
    this.paint();
    this.follow();
    if (performance.getEntriesByName(DRAWN).length === 0) performance.mark(DRAWN);
  }

  private get isNear(): boolean {
    return this.camera.zoom >= NEAR_ZOOM;
  }

  private showNear(): void {
    const { x, y, zoom } = this.camera;
    const { width, height } = this.size;
    const around = (from: number, length: number): [number, number] => [(-AHEAD - from) / zoom, (length + AHEAD - from) / zoom];
    const [[left, right], [top, bottom]] = [around(x, width), around(y, height)];
    const shown = this.isNear ? nodesIn(this.scene, left, top, right, bottom) : [];
    const before = this.near.peek();
    if (shown.length !== before.length || shown.some((node, index) => node !== before[index])) this.near.value = shown;
  }

  /** Draw anew if the canvases do not show what they should; otherwise only what changed. */
  private paint(): void {
    const { painted, camera } = this;
    const now = performance.now();
    const left = !painted || Math.abs(camera.x - painted.x) > BEYOND || Math.abs(camera.y - painted.y) > BEYOND;
    const isZoomed = !!painted && painted.zoom !== camera.zoom;
    if (!painted || (left && !isZoomed) || (isZoomed && now - this.paintedAt > REDRAWN_MS)) this.paintAll(now);
    else {
      if (isZoomed) this.drawLater(REDRAWN_MS - (now - this.paintedAt));
      if (this.edgesAreOld && !isZoomed) {
        if (now - this.edgesAt > EDGES_MS) this.paintEdges(painted, now);
        else this.drawLater(EDGES_MS - (now - this.edgesAt));
      }
      this.paintChanged(painted);
    }
  }

  private drawLater(ms: number): void {
    this.later ??= setTimeout(() => {
      this.later = undefined;
      this.schedule();
    }, ms);
  }

  private paintAll(now: number): void {
    this.painted = this.camera;
    this.paintedAt = now;
    this.paintEdges(this.camera, now);
    this.changed.clear();
    const sheet = this.sheet(this.elements.above, this.camera);
    const { x, y, zoom } = sheet.camera;
    const shown = this.isNear ? [] : nodesIn(this.scene, -x / zoom, -y / zoom, (sheet.width - x) / zoom, (sheet.height - y) / zoom);
    paintNodes(sheet, this.nodesAt(shown), this.marks, this.colours, true);
  }

  private paintEdges(camera: Camera, now: number): void {
    this.edgesAreOld = false;
    this.edgesAt = now;
    paintBelow(this.sheet(this.elements.below, camera), this.scene, this.marks, this.colours);
  }

  private paintChanged(painted: Camera): void {
    if (this.changed.size > 0 && painted.zoom < NEAR_ZOOM) {
      paintNodes(this.sheet(this.elements.above, painted), this.nodesAt(this.changed), this.marks, this.colours, false);
    }
    this.changed.clear();
  }

  private *nodesAt(indexes: Iterable<number>) {
    for (const index of indexes) {
      const node = this.scene.nodes[index];
      if (node) yield node;
    }
  }

  private sheet(canvas: HTMLCanvasElement, camera: Camera): Sheet {
    return {
      context: canvas.getContext("2d")!,
      camera: { x: camera.x + BEYOND, y: camera.y + BEYOND, zoom: camera.zoom },
      width: this.size.width + 2 * BEYOND,
      height: this.size.height + 2 * BEYOND,
      density: devicePixelRatio,
    };
  }

  /** Move the canvases, which may show an earlier camera, to where the camera is now. */
  private follow(): void {
    const { camera, painted } = this;
    if (!painted) return;
    const by = camera.zoom / painted.zoom;
    const [x, y] = [camera.x - (painted.x + BEYOND) * by, camera.y - (painted.y + BEYOND) * by];
    for (const canvas of [this.elements.below, this.elements.above]) canvas.style.transform = `translate(${x}px, ${y}px) scale(${by})`;
  }

  /** The heads of stages stay at the top of the view while their stage is in it; if the nodes leave no room, they are above it. */
  placeHeads(): void {
    const { x, y, zoom } = this.camera;
    const isInside = zoom >= HEADED_ZOOM;
    const top = Math.max(0, Math.round(y + 12 * zoom) - (isInside ? -1 : HEAD_HEIGHT));
    this.scene.stages.forEach((stage, index) => {
      const head = this.elements.heads.children[index];
      if (!(head instanceof HTMLElement)) return;
      const width = Math.floor(stage.width * zoom) - 1;
      head.style.transform = `translate(${Math.round(x + stage.x * zoom) + 1}px, ${top}px)`;
      head.style.width = `${width}px`;
      head.classList.toggle("narrow", width < NARROW_HEAD);
      head.classList.toggle("tiny", width < TINY_HEAD);
    });
  }
}

function followTheme(changed: () => void): () => void {
  const queries = ["(prefers-color-scheme: dark)", "(forced-colors: active)"].map((query) => matchMedia(query));
  const observer = new MutationObserver(changed);
  observer.observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
  for (const query of queries) query.addEventListener("change", changed);
  return () => {
    observer.disconnect();
    for (const query of queries) query.removeEventListener("change", changed);
  };
}
