/** Saves the graph as an SVG file. */
import { lookNow, wordNow } from "./looks";
import { coloursOf } from "./painting";
import type { Scene } from "./scene";
import { svgOf } from "./svg";

/** Offer the file for download. */
export function saveSvg(scene: Scene, project: string): void {
  const text = svgOf(scene, coloursOf(document.documentElement), lookNow, wordNow);
  const url = URL.createObjectURL(new Blob([text], { type: "image/svg+xml" }));
  const anchor = document.createElement("a");
  anchor.href = url;
  anchor.download = `${project}-dag.svg`;
  anchor.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
