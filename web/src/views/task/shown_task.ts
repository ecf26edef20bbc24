/** The attempt that the task view shows: the newest one live, or an earlier one as it ended. */
import { computed, effect, signal, untracked } from "@preact/signals";
import { api, get, type Task, type TaskNode, whyFailed } from "../../api";
import { tick } from "../../live/clock";
import { connection } from "../../live/live";
import { param } from "../../router";
import { allNodes, assets, nodeOf, nodesVersion, task, taskId } from "../../store";
import { type Bar, barOf, type CriticalPath, criticalPath, endOf, zeroOf } from "./timeline";

/** What shows all nodes is computed at most this often; each row follows its own node at once. */
const CALM_MS = 200;

const wantedAttempt = computed(() => Number(param("attempt")) || 0);

/** True if the address names another attempt than the newest. */
export const isEarlier = computed(() => wantedAttempt.value > 0 && wantedAttempt.value !== task.value?.newestAttempt);

const earlier = signal<{ readonly task: Task; readonly nodes: ReadonlyMap<string, TaskNode> } | null>(null);
/** "" or why the attempt cannot be shown. */
export const attemptError = signal("");

/** The task's attempt in view; null while it is fetched. */
export const shownTask = computed<Task | null>(() => {
  if (task.value?.taskId !== taskId.value) return null;
  return isEarlier.value ? (earlier.value?.task ?? null) : task.value;
});

const calmVersion = signal(0);

/** Its nodes, in topological order. */
export const shownNodes = computed<readonly TaskNode[]>(() => {
  void calmVersion.value;
  if (isEarlier.value) return earlier.value?.task.nodes ?? [];
  return shownTask.value ? untracked(allNodes) : [];
});

/** One of them, live. */
export function shownNode(name: string): TaskNode | undefined {
  return isEarlier.value ? earlier.value?.nodes.get(name) : nodeOf(name).value;
}

/** Whether any node runs: only then does anything grow. */
export const grows = computed(() => shownNodes.value.some((node) => node.state === "IN_PROGRESS" || node.state === "TESTING"));

/** True if nodes ran when the connection was lost: whether they still do is not known. */
export const isStale = computed(() => grows.value && connection.value.state === "offline");

export const attemptStart = computed(() => shownTask.value?.startTime ?? 0);
export const zero = computed(() => zeroOf(shownNodes.value, attemptStart.value));

const bars = computed<ReadonlyMap<string, Bar>>(() => {
  const now = tick.peek();
  const found = new Map<string, Bar>();
  for (const node of shownNodes.value) {
    const bar = barOf(node, attemptStart.value, zero.value, now);
    if (bar) found.set(node.assetName, bar);
  }
  return found;
});

export const path = computed<CriticalPath | null>(() => criticalPath(bars.value, (name) => assets.value.get(name)?.upstreams ?? []));
export const pathNames = computed<ReadonlySet<string>>(() => new Set(path.value?.names));

/** Whether the attempt has ended. */
export const hasEnded = computed(() => shownTask.value?.endTime !== undefined);

/** Whether the attempt has started any node: if not, there is no time to show. */
export const hasBegun = computed(() => bars.value.size > 0);

/** How long the timeline is, in ms; 0 before it begins. */
export const span = computed(() => {
  if (!hasBegun.value) return 0;
  let latest = 0;
  for (const bar of bars.value.values()) latest = Math.max(latest, endOf(bar));
  return Math.max(1, latest, grows.value ? tick.value - zero.value : 0);
});

/** Keep all of this up to date while the view is shown; returns what ends that. */
export function followTask(): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const stopCalming = effect(() => {
    void nodesVersion.value;
    timer ??= setTimeout(() => {
      timer = undefined;
      calmVersion.value += 1;
    }, CALM_MS);
  });
  const stopFetching = effect(() => {
    if (isEarlier.value) void fetchAttempt(taskId.value, wantedAttempt.value);
  });
  return () => {
    clearTimeout(timer);
    stopCalming();
    stopFetching();
  };
}

async function fetchAttempt(id: string, attempt: number): Promise<void> {
  const isWanted = () => id === taskId.peek() && attempt === wantedAttempt.peek();
  try {
    const found = await get<Task>(api`/api/dag/status/${id}`, { attempt });
    if (!found || !isWanted()) return;
    attemptError.value = "";
    earlier.value = { task: found, nodes: new Map(found.nodes.map((node) => [node.assetName, node])) };
  } catch (error) {
    if (!isWanted()) return;
    earlier.value = null;
    attemptError.value = `Attempt ${attempt} cannot be shown: ${whyFailed(error)}`;
  }
}
