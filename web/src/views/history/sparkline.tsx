/** A line of an asset's durations, small; its numbers are in the columns beside it. */
import { sparkOf } from "./history_figures";

const EDGE = 3;

export function Sparkline({ values, width = 132, height = 18 }: { values: readonly (number | null)[]; width?: number; height?: number }) {
  const { path, last } = sparkOf(values, width - 2 * EDGE, height - 2 * EDGE);
  return (
    <svg class="spark" width={width} height={height} aria-hidden="true" viewBox={`${-EDGE} ${-EDGE} ${width} ${height}`}>
      <path d={path} />
      {last && <circle cx={last.x} cy={last.y} r={2.5} />}
    </svg>
  );
}
