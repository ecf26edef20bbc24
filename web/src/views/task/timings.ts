/** GET /api/dag/timings/{taskId}: what would be if an asset took another time. */
import { duration } from "../../parts/format";

export interface WhatIfAsset {
  readonly assetName: string;
  readonly tookMs: number;
  readonly wouldTakeMs: number;
  readonly taskMs: number;
  readonly savedMs: number;
}

export interface TaskTimings {
  readonly durationMs: number;
  readonly workers: number;
  readonly enoughWorkersMs: number;
  readonly whatIf: readonly WhatIfAsset[];
}

/** "take 1.90 s instead of 2.60 s", or "still take 2.60 s". */
export function whatIfWords({ taskMs, savedMs }: WhatIfAsset, durationMs: number): string {
  return savedMs === 0 ? `still take ${duration(durationMs)}` : `take ${duration(taskMs)} instead of ${duration(durationMs)}`;
}
