/** What the page knows: the project, its assets, the tasks, and the task that the views are "as of". */
import { batch, computed, effect, signal, type Signal } from "@preact/signals";
import { type Asset, type Dag, type PausedAt, type Project, type Task, type TaskList, type TaskNode, type TaskSummary, type TestResult } from "./api";
import { ApiError, api, get, whyFailed } from "./api";
import { noteServerTime, serverNow, tick } from "./live/clock";
import { connection, listen } from "./live/live";
import type { StreamMessage } from "./live/messages";
import { type Look, lookOf, WORDS } from "./parts/look";
import { waitsBehind } from "./queue";
import { link, namedTask } from "./router";

const TASKS_KEPT = 50;

export const project = signal<Project | null>(null);
export const assets = signal<ReadonlyMap<string, Asset>>(new Map());
/** The newest tasks, newest first. */
export const tasks = signal<readonly TaskSummary[]>([]);
/** False until the first answers are there: before that, nothing is known to be empty. */
export const loaded = signal(false);
/** Why the page could not be filled, or "". */
export const loadError = signal("");
/** True if the server wants its API token and this browser has no session. */
export const signInNeeded = signal(false);

/** The id of the task that every view is as of: the one in the address, or the newest. "" if nothing ever ran. */
export const taskId = computed(() => namedTask.value || tasks.value[0]?.taskId || "");
/** A task as the address has it: none for the newest, which is then followed. */
export const asNewest = (id: string): string | null => (id === tasks.value[0]?.taskId ? null : id);
/** A link to the comparison of two tasks. */
export const comparing = (from: string, to: string): string => link("/compare", { from, task: asNewest(to) });
/** True if the view follows the newest task, whichever that is. */
export const followsNewest = computed(() => !namedTask.value);
/** The status of that task; null while it is being fetched or where there is none. Its nodes may be older than `nodeOf`. */
export const task = signal<Task | null>(null);
/** "" or why that task cannot be shown. */
export const taskError = signal("");

/** Nodes of the task, by asset; changed in place, each with a signal of its own for whoever shows it. */
const nodes = new Map<string, Signal<TaskNode | undefined>>();
/** Grows with every change of any node: for what shows all of them. */
export const nodesVersion = signal(0);
/** The assets whose nodes changed in the last frame; read it when `nodesVersion` changes. */
export let changedNodes: ReadonlySet<string> = new Set();
/** Results of data tests in the task, by full name; with those that run now. */
export const testResults = signal<ReadonlyMap<string, TestResult>>(new Map());

/** The node of an asset in the task, live. */
export function nodeOf(assetName: string): Signal<TaskNode | undefined> {
  let node = nodes.get(assetName);
  if (!node) {
    node = signal<TaskNode | undefined>(undefined);
    nodes.set(assetName, node);
  }
  return node;
}

/** All nodes of the task as they are now. Reads `nodesVersion`, so that a component that calls this follows them. */
export function allNodes(): TaskNode[] {
  void nodesVersion.value;
  const found: TaskNode[] = [];
  for (const node of nodes.values()) if (node.peek()) found.push(node.peek()!);
  return found.sort((one, other) => one.order - other.order);
}

/** How an asset looks in the task in view. */
export interface AssetView {
  readonly look: Look;
  /** The word beside the icon. */
  readonly word: string;
  /** Whether the task has a node of it. Without one it looks as if it waited, and counts nowhere. */
  readonly isInTask: boolean;
  readonly node: TaskNode | undefined;
  readonly durationMs: number;
  readonly totalTests: number;
  readonly passedTests: number;
  readonly failedTests: number;
}

/** Look of an asset. Reads its node's signal. */
export function viewOf(asset: Asset): AssetView {
  const node = nodeOf(asset.name).value;
  if (node) {
    const look = lookOf(node.state, node.message);
    const word = look === "waiting" ? waitingWord.value : WORDS[look];
    const { totalTests, passedTests, failedTests, executionTimeMs: durationMs } = node;
    return { look, word, isInTask: true, node, durationMs, totalTests, passedTests, failedTests };
  }
  const { totalTests } = asset;
  return { look: "waiting", word: absentWord.value, isInTask: false, node: undefined, durationMs: 0, totalTests, passedTests: 0, failedTests: 0 };
}

/** What is said of an asset that the task in view has no node of. */
const absentWord = computed(() => {
  if (!taskId.value) return "Not run";
  return task.value ? "Not in task" : WORDS.warn;
});

/** How long a node has taken so far, in ms. Reads the tick while it runs, so that what shows it follows. */
export function elapsedMs(node: TaskNode): number {
  const running = node.state === "IN_PROGRESS" || node.state === "TESTING";
  return running && node.startTime !== undefined ? Math.max(0, tick.value - node.startTime) : node.executionTimeMs;
}

/** Why nothing can be run now, or "". */
export const whyNoRun = computed(() => {
  const now = project.value;
  if (connection.value.state !== "live" || !now) return "The page is not connected to the server.";
  if (now.isBundle) return "A bundle executes nothing.";
  if (now.readOnly) return "This server is read-only.";
  if (!now.stateWritable) return "The server cannot write its state.";
  if (now.loadedTimeMs === undefined) return "The project cannot be loaded.";
  return "";
});

/** True if the server said that it can be asked to run something now. */
export const canRun = computed(() => whyNoRun.value === "");

/** The summary of the task in view, from the newest tasks or from its status. */
export const summary = computed<TaskSummary | null>(() => {
  const id = taskId.value;
  const known = tasks.value.find((one) => one.taskId === id);
  if (known) return known;
  const found = task.value;
  if (!found || found.taskId !== id) return null;
  return {
    taskId: found.taskId,
    taskUuid: found.taskUuid ?? "",
    status: found.status,
    startTime: found.startTime ?? 0,
    ...(found.endTime === undefined ? {} : { endTime: found.endTime }),
    totalAssets: found.totalAssets ?? found.nodes.length,
    completedAssets: found.completedAssets ?? 0,
    failedAssets: found.failedAssets ?? 0,
    inProgressAssets: found.inProgressAssets ?? 0,
  };
});

export const runs = computed(() => summary.value?.status === "IN_PROGRESS" || summary.value?.status === "PENDING");

const NOWHERE: readonly PausedAt[] = [];

/** Where the task in view holds: as the stream said, or else its status. */
export const pausedAt = computed<readonly PausedAt[]>(() => {
  const shown = runs.value ? summary.value : null;
  if (!shown) return NOWHERE;
  return shown.pausedAt ?? (task.value?.taskId === shown.taskId ? task.value.pausedAt : undefined) ?? NOWHERE;
});

/** The task behind which the one in view waits, or "". */
export const behind = computed(() => {
  const begun = allNodes().some((node) => node.state !== "INITIAL" || node.startTime !== undefined);
  return summary.value && !begun ? waitsBehind(summary.value, tasks.value) : "";
});

/** True if the task in view waits for another one: nothing of it has begun. */
export const isQueued = computed(() => behind.value !== "");

/** What is said of a node that has not begun: in a task that has ended, it will not. */
export const waitingWord = computed(() => (runs.value ? WORDS.waiting : "Not run"));

/** Whether the task in view can be retried: also one of which only a test of the whole project failed. */
export const canRetry = computed(() => summary.value?.status === "FAILED");

/** How many nodes of the task in view a retry would execute. */
export const retryable = computed(() => allNodes().filter((node) => node.state === "FAILED" || node.state === "INITIAL").length);

// What is fetched

/** Fetch everything again: at the start, after a reset, and when the connection is back. */
export async function refresh(): Promise<void> {
  const askedAtMs = Date.now();
  try {
    const rest = Promise.all([get<Dag>("/api/dag"), get<TaskList>("/api/dag/tasks", { limit: TASKS_KEPT })]);
    rest.catch(() => {}); // reported below, unless the project cannot be fetched either
    const facts = await get<Project>("/api/project");
    if (facts) {
      project.value = facts; // also where the rest cannot be read: it says whether the state can be written
      noteServerTime(facts.timeMs, askedAtMs);
    }
    const [dag, list] = await rest;
    batch(() => {
      assets.value = new Map((dag?.nodes ?? []).map((asset) => [asset.name, asset]));
      tasks.value = list?.tasks ?? [];
      loadError.value = "";
      signInNeeded.value = false;
      loaded.value = true;
    });
    await refreshTask();
  } catch (error) {
    signInNeeded.value = error instanceof ApiError && error.status === 401;
    loadError.value = whyFailed(error);
  }
}


/** What the stream said about the task while its status was being fetched: that answer can be older. */
let meanwhile: (NodeMessage | TestMessage)[] = [];

/** Fetch the status of the task in view. */
async function refreshTask(): Promise<void> {
  const id = taskId.peek();
  if (!id) {
    takeTask(null);
    return;
  }
  meanwhile = [];
  try {
    const found = await get<Task>(api`/api/dag/status/${id}`);
    if (id === taskId.peek()) takeTask(found);
  } catch (error) {
    if (id !== taskId.peek()) return;
    batch(() => {
      takeTask(null);
      const missing = error instanceof ApiError && error.status === 404;
      taskError.value = missing ? `There is no task "${id}".` : whyFailed(error);
    });
  }
}

function takeTask(found: Task | null): void {
  batch(() => {
    const kept = new Map((found?.nodes ?? []).map((node) => [node.assetName, node]));
    for (const [name, node] of nodes) if (!kept.has(name)) node.value = undefined;
    for (const [name, node] of kept) nodeOf(name).value = node;
    const results = [
      ...(found?.nodes ?? []).flatMap((node) => node.testResults),
      ...(found?.rootTestResults ?? []),
      ...(found?.loneTestResults ?? []),
    ];
    testResults.value = new Map(results.map((result) => [result.testName, result]));
    task.value = found;
    taskError.value = "";
    applyToTask(meanwhile);
    changedNodes = new Set(nodes.keys());
    nodesVersion.value += 1;
  });
}

// What the stream says

type NodeMessage = TaskNode & { readonly taskId: string };
type TestMessage = TestResult & { readonly taskId: string };

function apply(messages: readonly StreamMessage[]): void {
  batch(() => {
    const ofTask: (NodeMessage | TestMessage)[] = [];
    for (const { event, data } of messages) {
      // The message says it all: the rest cannot be fetched if the state cannot be read either.
      if (event === "project") project.value = { timeMs: serverNow(), ...(JSON.parse(data) as Omit<Project, "timeMs">) };
      if (event === "reset" || event === "snapshot" || event === "project") void refresh();
      else if (event === "task") applyTask(JSON.parse(data) as TaskSummary);
      else {
        const message = JSON.parse(data) as NodeMessage | TestMessage;
        if (message.taskId === taskId.value) ofTask.push(message);
      }
    }
    meanwhile.push(...ofTask);
    applyToTask(ofTask);
  });
}

/** Apply what the stream said about the task in view, in order. */
function applyToTask(messages: readonly (NodeMessage | TestMessage)[]): void {
  const changed = new Set<string>();
  let results: Map<string, TestResult> | null = null;
  for (const message of messages) {
    if ("assetName" in message) {
      nodeOf(message.assetName).value = message;
      changed.add(message.assetName);
    } else (results ??= new Map(testResults.value)).set(message.testName, message);
  }
  if (results) testResults.value = results;
  if (changed.size === 0) return;
  changedNodes = changed;
  nodesVersion.value += 1;
}

function applyTask(summarised: TaskSummary): void {
  const others = tasks.value.filter((one) => one.taskId !== summarised.taskId);
  tasks.value = [summarised, ...others].sort((one, other) => other.startTime - one.startTime).slice(0, TASKS_KEPT);
  if (summarised.taskId === taskId.value) void refreshTask();
}

/** Fill the page and keep it live. */
export function start(): void {
  listen(apply);
  void refresh();
  let wasOffline = false;
  effect(() => {
    const { state } = connection.value;
    if (state === "offline") wasOffline = true;
    else if (state === "live" && wasOffline) {
      wasOffline = false;
      void refresh();
    }
  });
  let shown = "";
  effect(() => {
    const id = taskId.value;
    if (id === shown || !loaded.value) return;
    shown = id;
    void refreshTask();
  });
}
