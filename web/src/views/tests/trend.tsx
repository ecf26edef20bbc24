/** A test over the newest tasks: a mark a task, and a plot of the rows that it found. */
import { count } from "../../parts/format";
import "../../parts/plot.css";
import "../../parts/trend.css";
import { here } from "../../router";
import { asNewest, taskId } from "../../store";
import { changeWords, type Ledger } from "./ledger";
import { type Mark, markWords } from "./tests";

const CLASSES: Record<Mark["kind"], string> = { passed: "ok", rows: "bad", "no result": "odd", none: "none" };

export function Trend({ marks }: { marks: readonly Mark[] }) {
  const bad = marks.filter((mark) => mark.kind === "rows" || mark.kind === "no result").length;
  const label = bad ? `failed in ${bad} of ${marks.length} tasks` : `failed in none of ${marks.length} tasks`;
  return (
    <span class="trend" role="img" aria-label={label}>
      {marks.map((mark) => (
        <i key={mark.taskId} class={`tr ${CLASSES[mark.kind]}`} title={markWords(mark)} />
      ))}
    </span>
  );
}

const SLOTS = 10;
const HEIGHT = 46;
const TOP = 20;
const AXIS = TOP + HEIGHT;

/** The rows that a test found in each task, the new ones filled; a bar shows the same test as of its task. */
export function RowsByTask({ marks, ledger }: { marks: readonly Mark[]; ledger: Ledger | undefined }) {
  const compared = new Map(ledger?.tasks.map((task) => [task.taskId, task]));
  const most = Math.max(1, ...marks.map((mark) => mark.rows));
  const step = 100 / Math.max(SLOTS, marks.length);
  return (
    <svg class="plot rowsplot" role="group" aria-label="Failing rows by task">
      <line class="axis" x1="0" x2="100%" y1={AXIS + 0.5} y2={AXIS + 0.5} />
      {marks.map((mark, index) => {
        const high = mark.kind === "rows" ? Math.max(2, (mark.rows / most) * HEIGHT) : 0;
        const task = compared.get(mark.taskId);
        const fresh = task?.rowCount ? high * ((task.newRows ?? 0) / task.rowCount) : 0;
        return (
          <a key={mark.taskId} class={mark.taskId === taskId.value ? "now" : ""} href={here({ task: asNewest(mark.taskId) })}>
            <title>{markWords(mark) + changeWords(task)}</title>
            <rect class="reach" x={`${index * step}%`} width={`${step}%`} y="0" height="88" />
            <svg x={`${(index + 0.5) * step}%`} overflow="visible">
              {high > fresh && <rect class="kept" x="-7" width="14" y={AXIS - high + 1} height={high - 1} />}
              {fresh > 0 && <rect class="found" x="-8" width="16" y={AXIS - high} height={fresh} />}
              <text class={high > 0 ? "strong" : ""} y={AXIS - high - 5} text-anchor="middle" aria-hidden="true">
                {{ passed: "0", rows: count(mark.rows), "no result": "no result", none: "–" }[mark.kind]}
              </text>
            </svg>
          </a>
        );
      })}
      <Names marks={marks} step={step} />
    </svg>
  );
}

/** The names of the first task and of the one in view: there is no room for more. */
function Names({ marks, step }: { marks: readonly Mark[]; step: number }) {
  const now = marks.findIndex((mark) => mark.taskId === taskId.value);
  const named = new Map(marks.flatMap((mark, index) => (index === now || (index === 0 && (now < 0 || now > 3)) ? [[mark.taskId, index]] : [])));
  return (
    <>
      {[...named].map(([name, index]) => {
        const atEnd = index > 0 && (index + 1) * step > 99;
        const anchor = index === 0 ? "start" : atEnd ? "end" : "middle";
        const at = index === 0 ? 0 : atEnd ? 100 : (index + 0.5) * step;
        return (
          <text key={name} x={`${at}%`} y={AXIS + 16} text-anchor={anchor}>
            {name.length > 28 ? `${name.slice(0, 27)}…` : name}
          </text>
        );
      })}
    </>
  );
}

