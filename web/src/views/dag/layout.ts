/** The layout of the DAG, as the server computed it. */
import { signal } from "@preact/signals";
import { get, whyFailed } from "../../api";

export interface LayoutStage {
  readonly name: string;
  readonly x: number;
  readonly width: number;
}

export interface LayoutNode {
  readonly name: string;
  readonly x: number;
  readonly y: number;
}

export interface LayoutEdge {
  readonly upstream: string;
  readonly downstream: string;
  readonly points: readonly number[];
}

/** GET /api/dag/layout */
export interface Layout {
  readonly graphHash: string;
  readonly width: number;
  readonly height: number;
  readonly nodeWidth: number;
  readonly nodeHeight: number;
  readonly stages: readonly LayoutStage[];
  readonly nodes: readonly LayoutNode[];
  readonly edges: readonly LayoutEdge[];
}

export const layout = signal<Layout | null>(null);
/** "" or why there is no layout. */
export const layoutError = signal("");

/** Fetch the layout; an unchanged graph keeps the object, so that what is drawn from it stays. */
export async function refreshLayout(): Promise<void> {
  try {
    const found = await get<Layout>("/api/dag/layout");
    if (found && found.graphHash !== layout.peek()?.graphHash) layout.value = found;
    layoutError.value = "";
  } catch (error) {
    layoutError.value = whyFailed(error);
  }
}
