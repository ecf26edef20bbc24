/** What the values of one column are like, in four lines: counts, a picture, bounds. */
import { count } from "../parts/format";
import { shownText } from "./cells";
import type { CellValue, ColumnSummary, GridColumn } from "./source";

interface StripProps {
  readonly column: GridColumn;
  readonly summary: ColumnSummary | undefined;
  readonly rows: number;
}

export function Strip({ column, summary, rows }: StripProps) {
  if (!summary) return <td aria-label={`Summary of ${column.name}: not there yet`} />;
  const distinct = summary.distinctIsApproximate ? `≈${SHORT.format(summary.distinct)}` : count(summary.distinct);
  const [left, right] = bounds(summary, rows - summary.nulls);
  return (
    <td>
      <small class="ends">
        <span class={summary.nulls > 0 ? "some" : ""}>{count(summary.nulls)} null</span>
        <span class="cut" title={summary.mean === undefined ? undefined : `Mean ${summary.mean}`}>
          {distinct} distinct
        </span>
      </small>
      <Picture name={column.name} heights={heights(summary)} />
      <small class="ends">
        <span class="cut" title={left}>
          {left || " "}
        </span>
        <span class="cut" title={right}>
          {right}
        </span>
      </small>
    </td>
  );
}

/** An estimate in three figures, 1.02M: more would not be true. */
const SHORT = new Intl.NumberFormat("en-US", { notation: "compact", maximumSignificantDigits: 3 });

function heights(summary: ColumnSummary): number[] {
  const bars = summary.histogram ?? summary.commonest ?? [];
  const most = Math.max(1, ...bars.map((bar) => bar.count));
  return bars.map((bar) => bar.count / most);
}

function Picture({ name, heights }: { name: string; heights: readonly number[] }) {
  const width = 100 / Math.max(1, heights.length);
  return (
    <svg class="hist" viewBox="0 0 100 28" preserveAspectRatio="none" role="img" aria-label={`Distribution of ${name}`}>
      {heights.map((part, index) => {
        const height = part > 0 ? Math.max(1, part * 26) : 1;
        return <rect key={index} class={part > 0 ? "" : "z"} x={index * width} y={28 - height} width={width - 1} height={height} />;
      })}
    </svg>
  );
}

/** The least and the greatest value; for texts, the commonest and how many others there are. */
function bounds(summary: ColumnSummary, values: number): [string, string] {
  const common = summary.commonest?.[0];
  if (!summary.histogram && common && values > 0) {
    const word = common.value === "" ? "empty" : shownText(common.value);
    if (summary.distinct === 1) return [`all ${word}`, ""];
    const share = Math.round((100 * common.count) / values);
    return [`${word} ${share > 0 ? `${share} %` : "<1 %"}`, `+${summary.distinctIsApproximate ? SHORT.format(summary.distinct) : count(summary.distinct - 1)} more`];
  }
  if (summary.least === undefined) return ["", ""];
  return [short(summary.least), short(summary.most)];
}

/** A moment by its day: the strip is narrow. */
const short = (value: CellValue): string => shownText(value).replace(/^(-?\d{4,}-\d\d-\d\d)T.*/, "$1");
