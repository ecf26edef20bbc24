/** The two tasks that are compared: the address has both. */
import type { TaskSummary } from "../../api";
import { counted, duration, timeOfDay } from "../../parts/format";
import { Icon } from "../../parts/icon";
import { lookOf, WORDS } from "../../parts/look";
import { go, param, setQuery } from "../../router";
import { asNewest, comparing, taskId, tasks } from "../../store";
import type { ComparedTask, Comparison } from "./comparison";

export function Pickers({ compared }: { compared: Comparison | undefined }) {
  const from = param("from");
  const swap = (): void => compared && go(comparing(compared.to.taskId, compared.from.taskId));
  return (
    <>
      <Picker word="Before" value={from} known={compared?.from} choose={(id) => setQuery({ from: id || null, asset: null })}>
        <option value="">Last green task{!from && compared ? `: ${compared.from.taskId}` : ""}</option>
      </Picker>
      <span class="faint" aria-hidden="true">
        →
      </span>
      <Picker word="Now" value={taskId.value} known={compared?.to} choose={(id) => setQuery({ task: asNewest(id), asset: null })} />
      <button type="button" class="btn quiet" aria-disabled={compared ? undefined : true} onClick={swap}>
        Swap
      </button>
      {compared && <span class="muted cut">{apart(compared)}</span>}
    </>
  );
}

interface PickerProps {
  readonly word: string;
  readonly value: string;
  readonly known: ComparedTask | undefined;
  readonly choose: (taskId: string) => void;
  readonly children?: preact.ComponentChildren;
}

function Picker({ word, value, known, choose, children }: PickerProps) {
  const listed = tasks.value;
  const isListed = value === "" || listed.some((task) => task.taskId === value);
  const look = known && lookOf(known.status);
  return (
    <label class="btn taskpicker">
      {look && (
        <span class={`st st-${look}`}>
          <Icon name={look} spin={look === "running"} />
        </span>
      )}
      <span class="faint">{word}</span>
      <select value={value} onChange={(event) => choose(event.currentTarget.value)}>
        {children}
        {!isListed && <option value={value}>{value}</option>}
        {listed.map((task) => (
          <option key={task.taskId} value={task.taskId}>
            {words(task)}
          </option>
        ))}
      </select>
    </label>
  );
}

const words = (task: TaskSummary): string => `${task.taskId} · ${WORDS[lookOf(task.status)]} · ${timeOfDay(task.startTime)}`;

/** How far the two are apart. */
function apart({ from, to }: Comparison): string {
  const [before, after] = [from, to].map((one) => tasks.value.findIndex((task) => task.taskId === one.taskId));
  const ms = (to.startTime ?? 0) - (from.startTime ?? 0);
  const steps = before! < 0 || after! < 0 ? "" : `${counted(Math.abs(before! - after!), "task")} and `;
  if (from.taskId === to.taskId) return "the same task";
  return `${steps}${duration(Math.abs(ms))} ${ms < 0 ? "later" : "earlier"}`;
}
