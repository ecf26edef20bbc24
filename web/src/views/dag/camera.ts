/** Which part of the scene is seen: a point of the scene is at `x + scene.x * zoom` of the view. Pure. */

export interface Camera {
  readonly x: number;
  readonly y: number;
  readonly zoom: number;
}

export interface Size {
  readonly width: number;
  readonly height: number;
}

export interface Box extends Size {
  readonly x: number;
  readonly y: number;
}

export const LARGEST_ZOOM = 2;
/** From this zoom on, the text of nodes can be read: they are buttons. Below, they are drawn. */
export const NEAR_ZOOM = 0.6;
/** From this zoom on, a stage has room for its head above the nodes. */
export const HEADED_ZOOM = 0.75;
/** Of the head of a stage, in CSS pixels at any zoom. */
export const HEAD_HEIGHT = 28;
const READABLE_ZOOM = 0.8;
const LEAST_SEEN = 80;

const at = (x: number, y: number, zoom: number): Camera => ({ x: Math.round(x), y: Math.round(y), zoom });

function fittingZoom(scene: Size, view: Size): number {
  return Math.min(1, view.width / Math.max(1, scene.width), view.height / Math.max(1, scene.height));
}

/** The least zoom that a wheel or a button leads to. */
export function leastZoom(scene: Size, view: Size): number {
  return Math.min(0.1, fittingZoom(scene, view) * 0.8);
}

/** All of the scene, at its own size if there is room: then at the left and top, so that nothing moves when a panel opens. */
export function fitted(scene: Size, view: Size): Camera {
  const whole = fittingZoom(scene, view);
  if (whole === 1) return at(0, 0, 1);
  if (whole >= HEADED_ZOOM) return at((view.width - scene.width * whole) / 2, 0, whole);
  const height = view.height - HEAD_HEIGHT;
  const zoom = fittingZoom(scene, { width: view.width, height });
  return at((view.width - scene.width * zoom) / 2, HEAD_HEIGHT + (height - scene.height * zoom) / 2, zoom);
}

/** What is shown first: all of the scene, or the start of one that is far longer than wide. */
export function first(scene: Size, view: Size): Camera {
  const whole = fitted(scene, view);
  const across = Math.max(view.width / Math.max(1, scene.width), view.height / Math.max(1, scene.height));
  const zoom = Math.min(NEAR_ZOOM, across / 4);
  return zoom > whole.zoom ? at(0, Math.max(0, (view.height - scene.height * zoom) / 2), zoom) : whole;
}

/** Zoom by a factor so that what is under a point of the view stays there. */
export function zoomedAt(camera: Camera, x: number, y: number, factor: number, least: number): Camera {
  const zoom = Math.min(LARGEST_ZOOM, Math.max(least, camera.zoom * factor));
  const by = zoom / camera.zoom;
  return at(x - (x - camera.x) * by, y - (y - camera.y) * by, zoom);
}

/** Keep at least an edge of the scene in the view. */
export function held(camera: Camera, scene: Size, view: Size): Camera {
  const { zoom } = camera;
  const x = Math.min(view.width - LEAST_SEEN, Math.max(LEAST_SEEN - scene.width * zoom, camera.x));
  const y = Math.min(view.height - LEAST_SEEN, Math.max(LEAST_SEEN - scene.height * zoom, camera.y));
  return at(x, y, zoom);
}

/** Move as little as is needed to see a box. */
export function revealing(camera: Camera, box: Box, view: Size, margin = 24): Camera {
  const along = (from: number, start: number, length: number, room: number): number => {
    const [low, high] = [from + start * camera.zoom, from + (start + length) * camera.zoom];
    if (low < margin) return from + margin - low;
    return high > room - margin ? from - Math.min(high - room + margin, low - margin) : from;
  };
  return at(along(camera.x, box.x, box.width, view.width), along(camera.y, box.y, box.height, view.height), camera.zoom);
}

/** A box in the middle, large enough to read. */
export function closeTo(camera: Camera, box: Box, view: Size): Camera {
  const zoom = Math.max(camera.zoom, READABLE_ZOOM);
  return at(view.width / 2 - (box.x + box.width / 2) * zoom, view.height / 2 - (box.y + box.height / 2) * zoom, zoom);
}
