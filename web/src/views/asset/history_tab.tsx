/** How long an asset took in the newest tasks, up to the one in view. */
import type { NodeState } from "../../api";
import { duration } from "../../parts/format";
import { useHistory } from "../../parts/history";
import { Icon } from "../../parts/icon";
import { lookOf, State } from "../../parts/look";
import "../../parts/plot.css";
import { here, taskPath } from "../../router";
import { asNewest, taskId } from "../../store";
import type { OfAsset } from "./asset_tabs";
import { isLeftOut, NotInTask } from "./other_task";

const TASKS = 20;
const SLOTS = 10;
const HEIGHT = 72;
const TOP = 24;

interface Point {
  readonly taskId: string;
  readonly ms: number | null;
  readonly state: NodeState | null;
}

export function HistoryTab({ asset, view }: OfAsset) {
  const { value, error } = useHistory(TASKS);
  if (error) return <p class="block muted">{error}</p>;
  if (!value) return null;
  const own = value.assets.find((one) => one.name === asset.name);
  const points = value.tasks.map((task, index) => ({
    taskId: task.taskId,
    ms: own?.durationsMs[index] ?? null,
    state: own?.states[index] ?? null,
  }));
  if (!points.some((point) => point.state)) return <p class="block muted">It ran in none of the last {points.length} tasks.</p>;
  return (
    <div class="scroll rowsbox" tabIndex={0} role="region" aria-label={`History of ${asset.name}`}>
      {isLeftOut(view) && <NotInTask name={asset.name} />}
      <div class="block">
        <h2 class="caption">Duration by task</h2>
        <Durations points={points} />
      </div>
      <table class="table">
        <thead>
          <tr>
            <th>Task</th>
            <th>State</th>
            <th class="num">Took</th>
          </tr>
        </thead>
        <tbody>
          {points.toReversed().map((point) => (
            <tr key={point.taskId} class={point.taskId === taskId.value ? "sel" : ""}>
              <td class="cut shrink">
                <a href={taskPath(point.taskId)}>{point.taskId}</a>
              </td>
              <td>{point.state ? <PointState state={point.state} /> : <span class="faint">not part of it</span>}</td>
              <td class="num">{point.ms === null ? "" : duration(point.ms)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** An asset that has not run although its task ended was skipped. */
function PointState({ state }: { state: NodeState }) {
  return state === "INITIAL" ? <State look="skipped" word="Not run" /> : <State look={lookOf(state)} />;
}

/** A stem a task, with the state on its end. */
function Durations({ points }: { points: readonly Point[] }) {
  const most = Math.max(1, ...points.map((point) => point.ms ?? 0));
  const step = 100 / Math.max(SLOTS, points.length);
  return (
    <svg class="plot durations" role="group" aria-label={`Duration by task, at most ${duration(most)}`}>
      <line class="grid" x1="0" x2="100%" y1={TOP + 0.5} y2={TOP + 0.5} />
      <text x="0" y={TOP - 8}>
        {duration(most)}
      </text>
      <line class="axis" x1="0" x2="100%" y1={TOP + HEIGHT + 0.5} y2={TOP + HEIGHT + 0.5} />
      {points.map((point, index) => (
        <Stem key={point.taskId} point={point} at={(index + 0.5) * step} step={step} most={most} />
      ))}
    </svg>
  );
}

function Stem({ point, at, step, most }: { point: Point; at: number; step: number; most: number }) {
  const y = TOP + HEIGHT - ((point.ms ?? 0) / most) * HEIGHT;
  const look = !point.state || point.state === "INITIAL" ? "skipped" : lookOf(point.state);
  const words = `${point.taskId}: ${point.ms === null ? "not run" : duration(point.ms)}`;
  return (
    <a class={point.taskId === taskId.value ? "now" : ""} href={here({ task: asNewest(point.taskId) })}>
      <title>{words}</title>
      <rect class="reach" x={`${at - step / 2}%`} width={`${step}%`} y="0" height={TOP + HEIGHT + 8} />
      {point.ms !== null && <line class="stem" x1={`${at}%`} x2={`${at}%`} y1={TOP + HEIGHT} y2={y} />}
      {point.state && (
        <svg class={`st-${look}`} x={`${at}%`} y={point.ms === null ? TOP + HEIGHT : y} overflow="visible">
          <foreignObject x="-7" y="-7" width="14" height="14">
            <Icon name={look} />
          </foreignObject>
        </svg>
      )}
    </a>
  );
}
