/** A node as a row: its numbers, and its bar in the timeline. */
import type { CSSProperties } from "preact";
import type { TaskNode } from "../../api";
import { tick } from "../../live/clock";
import { count, duration } from "../../parts/format";
import { Icon } from "../../parts/icon";
import { lookOf, State } from "../../parts/look";
import { assetPath, link, setQuery } from "../../router";
import { assets } from "../../store";
import { attemptStart, hasBegun, hasEnded, isStale, pathNames, shownNode, shownTask, span, zero } from "./shown_task";
import { interruptionOf, whySkipped } from "./task_words";
import { type Bar, barOf, endOf, isCarried, startOf, ticks } from "./timeline";

interface Props {
  readonly name: string;
  /** The row's number in the whole table; the head is 1. */
  readonly row: number;
  readonly selected: boolean;
}

export const rowId = (name: string): string => `node ${name}`.replace(/\s/g, "_");

export function NodeRow({ name, row, selected }: Props) {
  const node = shownNode(name);
  if (!node) return null;
  const select = (): void => setQuery({ asset: name }, { replace: true });
  return (
    <tr id={rowId(name)} class={selected ? "sel" : ""} aria-rowindex={row} aria-selected={selected} onClick={select}>
      <td>
        <NodeState node={node} />
      </td>
      <td title={name}>
        <a class={pathNames.value.has(name) ? "strong" : ""} href={link(assetPath(name))}>
          {name}
        </a>
      </td>
      <td class="num">
        <Tests node={node} />
      </td>
      <td class="num">{node.rows !== undefined && count(node.rows)}</td>
      <Times node={node} />
      <td class="time">
        {ticks(span.value).map((ms) => (
          <i key={ms} class="tick" style={at(ms)} />
        ))}
        <InTime node={node} />
      </td>
    </tr>
  );
}

function NodeState({ node }: { node: TaskNode }) {
  const look = lookOf(node.state, node.message);
  const isUnknown = isStale.value && (look === "running" || look === "testing");
  return isUnknown ? <State look="warn" word="Unknown" /> : <State look={look} />;
}

function Tests({ node }: { node: TaskNode }) {
  if (node.failedTests > 0) {
    return (
      <span class="st st-failed">
        <Icon name="failed" />
        {node.failedTests} failed
      </span>
    );
  }
  if (node.totalTests === 0) return null;
  if (node.startTime === undefined) return <span class="faint">–</span>;
  return (
    <span class="faint">
      {node.passedTests}/{node.totalTests}
    </span>
  );
}

/** The milliseconds of a node that was started by the attempt or an earlier one. */
function Times({ node }: { node: TaskNode }) {
  const running = node.state === "IN_PROGRESS" || node.state === "TESTING";
  const bar = barOf(node, 0, zero.value, running ? tick.value : 0);
  return (
    <>
      <Ms value={bar?.queued} wide />
      <Ms value={bar?.executing} />
      <Ms value={bar?.testing} />
    </>
  );
}

function Ms({ value, wide = false }: { value: number | undefined; wide?: boolean }) {
  const shown = value === undefined ? "" : count(Math.round(value));
  return <td class={wide ? "num wide" : "num"}>{value === 0 ? <span class="faint">0</span> : shown}</td>;
}

/** Places in the timeline are numbers of ms, of `--span`: then only that one number changes while all bars shrink. */
const at = (ms: number, length = 0): CSSProperties => ({ "--at": ms, "--length": length }) as CSSProperties;

function InTime({ node }: { node: TaskNode }) {
  if (node.state === "INITIAL") return <NotStarted node={node} />;
  if (isCarried(node, attemptStart.value)) {
    return (
      <span class="why">
        carried over from {earlierAttempt()}, where it took {duration(node.executionTimeMs)}
      </span>
    );
  }
  const running = node.state !== "SUCCESS" && node.state !== "FAILED";
  const bar = barOf(node, attemptStart.value, zero.value, running ? tick.value : 0);
  return bar && <BarOf node={node} bar={bar} running={running} />;
}

function NotStarted({ node }: { node: TaskNode }) {
  if (node.message) return <span class="why">{whySkipped(node.message)}</span>;
  if (hasEnded.value) return <span class="why">not executed</span>;
  return hasBegun.value ? <Waits node={node} /> : <span class="why">waits for its turn</span>;
}

/** The attempt that executed what this one carries over, as far as that is known. */
const earlierAttempt = (): string => (shownTask.value?.attempt === 2 ? "attempt 1" : "an earlier attempt");

function BarOf({ node, bar, running }: { node: TaskNode; bar: Bar; running: boolean }) {
  const look = running ? "running" : node.state === "FAILED" ? "failed" : "";
  const start = startOf(bar);
  const tested = bar.testing > 0 || node.state === "TESTING";
  return (
    <div class="wf" title={described(bar) + (interruptionOf(node) && ", then interrupted")}>
      {bar.waiting > 0 && <i class="w" style={at(0, bar.waiting)} />}
      {bar.queued > 0 && <i class="q" style={at(bar.waiting, bar.queued)} />}
      <i class={`e ${tested ? "" : look}`} style={at(start, bar.executing)} />
      {tested && <i class={`t ${look}`} style={at(start + bar.executing, bar.testing)} />}
      <span style={at(endOf(bar))}>{tookOf(node, bar)}</span>
      {pathNames.value.has(node.assetName) && <i class="cp" style={at(bar.waiting, endOf(bar) - bar.waiting)} />}
    </div>
  );
}

/** How long it took; of one that was interrupted, only when it was last heard of is known. */
function tookOf(node: TaskNode, bar: Bar): string {
  const took = duration(bar.executing + bar.testing);
  return interruptionOf(node) ? `≥ ${took}` : took;
}

function described(bar: Bar): string {
  const parts = [
    [bar.waiting, "waited for upstreams"],
    [bar.queued, "waited for a worker"],
    [bar.executing, "executed"],
    [bar.testing, "tested"],
  ] as const;
  return parts
    .filter(([ms]) => ms > 0)
    .map(([ms, what]) => `${what} ${duration(ms)}`)
    .join(", ");
}

/** A node that has not started: it waits for its upstreams, or for a worker once all of them are done. */
function Waits({ node }: { node: TaskNode }) {
  const upstreams = (assets.value.get(node.assetName)?.upstreams ?? []).map(shownNode).filter((one) => one !== undefined);
  const open = upstreams.some((one) => one.state !== "SUCCESS");
  const now = Math.min(span.value, Math.max(0, tick.value - zero.value));
  const ready = open ? now : Math.max(0, ...upstreams.map((one) => (one.endTime ?? 0) - zero.value));
  return (
    <div class="wf">
      {ready > 0 && <i class="w" style={at(0, ready)} />}
      {!open && now > ready && <i class="q" style={at(ready, now - ready)} />}
    </div>
  );
}
