/** The server's HTTP API, as docs/http-api describes it: its shapes, and one way to ask. */
import { type QueryChange, withQuery } from "./places";

export type NodeState = "INITIAL" | "IN_PROGRESS" | "TESTING" | "FAILED" | "SUCCESS";
export type TaskStatus = "NOT_STARTED" | "IN_PROGRESS" | "PENDING" | "SUCCESS" | "FAILED";

export interface Problem {
  readonly path: string;
  readonly line?: number;
  readonly message: string;
}

/** GET /api/project */
export interface Project {
  readonly projectName: string;
  readonly version: string;
  readonly readOnly: boolean;
  /** It has no databases. */
  readonly isBundle: boolean;
  readonly stateWritable: boolean;
  readonly logsStored: boolean;
  readonly reload: boolean;
  readonly timeMs: number;
  /** Absent while no version of the files could be loaded. */
  readonly loadedTimeMs?: number;
  readonly readTimeMs: number;
  readonly assetCount: number;
  readonly testCount: number;
  readonly problems: readonly Problem[];
}

/** An asset of GET /api/dag. */
export interface Asset {
  readonly name: string;
  readonly downstreams: readonly string[];
  readonly upstreams: readonly string[];
  readonly sqlSelectQuery: string;
  readonly sqlCompiledQuery: string;
  readonly materialization: string;
  readonly connectionType: string;
  readonly connectionName: string;
  readonly isDataFramed: boolean;
  readonly persistInputs: boolean;
  readonly tests: readonly string[];
  readonly state: NodeState;
  readonly totalTests: number;
  readonly successfulTests: number;
  readonly lastExecutionDuration: number;
  readonly lastTestsDuration: number;
  readonly description: string;
}

export interface Dag {
  readonly projectName: string;
  readonly nodes: readonly Asset[];
  readonly errors?: readonly string[];
}

/** Where a run is to hold. */
export interface BreakpointRequest {
  readonly asset: string;
  /** "before", "after", "failed", or such as "rows < 1". */
  readonly when: string;
}

/** Where a task holds, since this time. */
export interface PausedAt extends BreakpointRequest {
  readonly since: number;
}

export interface TaskSummary {
  readonly taskId: string;
  readonly taskUuid: string;
  readonly status: TaskStatus;
  readonly startTime: number;
  readonly endTime?: number;
  readonly totalAssets: number;
  readonly completedAssets: number;
  readonly failedAssets: number;
  readonly inProgressAssets: number;
  /** Only in the stream. */
  readonly pausedAt?: readonly PausedAt[];
}

export interface TestResult {
  readonly testName: string;
  readonly status: string;
  /** How many rows violate it, or why it could not run. */
  readonly error?: string;
  readonly durationMs: number;
  readonly rowCount?: number;
}

/** How a node spent its time, in ms. */
export interface Timings {
  readonly waitingMs: number;
  readonly queuedMs: number;
  readonly executingMs: number;
  readonly testingMs: number;
}

/** A node: an asset in a task. */
export interface TaskNode {
  readonly name: string;
  readonly assetName: string;
  readonly state: NodeState;
  readonly order: number;
  readonly startTime?: number;
  readonly endTime?: number;
  readonly executionTimeMs: number;
  readonly message: string;
  readonly totalTests: number;
  readonly passedTests: number;
  readonly failedTests: number;
  readonly testResults: readonly TestResult[];
  readonly timings?: Timings;
  readonly rows?: number;
}

/** GET /api/dag/status/{taskId} */
export interface Task {
  readonly taskId: string;
  readonly taskUuid?: string;
  readonly attempt?: number;
  readonly newestAttempt?: number;
  readonly status: TaskStatus;
  readonly startTime?: number;
  readonly endTime?: number;
  readonly completedAssets?: number;
  readonly totalAssets?: number;
  readonly failedAssets?: number;
  readonly inProgressAssets?: number;
  readonly nodes: readonly TaskNode[];
  readonly rootTestResults?: readonly TestResult[];
  readonly loneTestResults?: readonly TestResult[];
  readonly lastTaskName: string;
  readonly pausedAt?: readonly PausedAt[];
}

/** What failed first in a task. */
export interface FirstFailure {
  readonly message: string;
  readonly assetName?: string;
  readonly testName?: string;
  readonly rowCount?: number;
}

/** A task of GET /api/dag/history. */
export interface HistoryTask extends TaskSummary {
  readonly attempt: number;
  readonly durationMs?: number;
  readonly skippedAssets: number;
  readonly failedTests: number;
  readonly violatingRows: number;
  readonly firstFailure?: FirstFailure;
}

/** What an asset did in each task of the history. */
export interface AssetHistory {
  readonly name: string;
  readonly durationsMs: readonly (number | null)[];
  readonly states: readonly (NodeState | null)[];
}

/** What a data test found in each task of the history. */
export interface TestHistory {
  readonly name: string;
  readonly rowCounts: readonly (number | null)[];
  readonly statuses: readonly (string | null)[];
}

/** GET /api/dag/history, oldest task first. */
export interface History {
  readonly tasks: readonly HistoryTask[];
  readonly assets: readonly AssetHistory[];
  readonly tests: readonly TestHistory[];
  readonly hasEarlier: boolean;
}

export interface TaskList {
  readonly tasks: readonly TaskSummary[];
  readonly total: number;
  readonly cursor?: string;
}

/** A data test of GET /api/tests. */
export interface DataTest {
  readonly name: string;
  readonly sql: string;
  readonly connectionName: string;
  readonly connectionType: string;
  readonly status: string;
  readonly description: string;
  readonly mask?: readonly string[];
}

/** A data test of GET /api/tests/results/{taskId}. */
export interface TestOfTask extends DataTest {
  readonly assetName?: string;
  readonly couldNotRun: boolean;
  readonly rowCount: number;
  readonly keptRows: number;
  readonly errorMsg: string;
  readonly durationMs: number;
  readonly executedAt: string;
}

/** What a step of a query reads: another step, or a relation. */
export interface StepInput {
  readonly name: string;
  readonly step?: string;
  readonly rowCount?: number;
}

/** A step of POST /api/dag/asset/{name}/steps. */
export interface QueryStep {
  readonly id: string;
  readonly kind: string;
  readonly title: string;
  readonly query: string;
  readonly queryKind: "cte" | "subquery" | "operand" | "result";
  readonly level: number;
  readonly isLast: boolean;
  readonly line?: number;
  readonly column?: number;
  readonly sqlLine: number;
  readonly sqlColumn: number;
  readonly inputs: readonly StepInput[];
  readonly rowCount?: number;
  readonly mark?: "empty" | "multiplied";
  readonly sentence?: string;
  readonly error?: string;
  readonly whyNotRun?: string;
}

/** POST /api/dag/asset/{name}/steps, and the same of a data test. */
export interface QuerySteps {
  readonly name: string;
  readonly path: string;
  readonly steps: readonly QueryStep[];
  readonly stepSql?: string;
  readonly columns?: readonly { readonly name: string; readonly type: string }[];
  readonly rows?: readonly (readonly unknown[])[];
}

/** An answer that is not what was asked for: its status, and the server's own words. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly details = "",
  ) {
    super(details ? `${message}: ${details}` : message);
  }
}

/** Why a request failed: the server's own words, if it answered. */
export function whyFailed(error: unknown): string {
  return error instanceof ApiError ? error.message : "The server could not be reached.";
}

/** Parameters of a query: empty ones are left out, arrays repeat. */
export type Query = QueryChange;

/** A path of the API with its parts percent-encoded: api`/api/logs/${taskId}`. */
export function api(parts: TemplateStringsArray, ...values: string[]): string {
  return parts.reduce((path, part, index) => path + encodeURIComponent(values[index - 1] ?? "") + part);
}

/** A path with a query. */
export function asking(path: string, query: Query = {}): string {
  return withQuery(path, new URLSearchParams(), query);
}

/** The page reads dagscope's own shapes, also of a server that answers others in Teal's (docs/teal.md). */
const OWN_SHAPES = { "Dagscope-Dialect": "none" };

/** GET as JSON; `null` for a 204. Throws ApiError with the server's message. */
export async function get<T>(path: string, query?: Query, signal?: AbortSignal): Promise<T | null> {
  return answered<T>(await fetch(asking(path, query), { headers: OWN_SHAPES, ...(signal && { signal }) }));
}

/** The same, with numbers that a JavaScript number would change as they are: `JSON.stringify` writes all their digits. */
export async function getExact<T>(path: string, query?: Query, signal?: AbortSignal): Promise<T | null> {
  return answered<T>(await fetch(asking(path, query), { headers: OWN_SHAPES, ...(signal && { signal }) }), exactly);
}

/** POST a JSON body. A task that failed is an answer too: bodies of 500 that have a `status` or a `taskId` are returned. */
export async function post<T>(path: string, body: unknown = {}, signal?: AbortSignal): Promise<T | null> {
  const headers = { ...OWN_SHAPES, "Content-Type": "application/json" };
  return answered<T>(await fetch(path, { method: "POST", headers, body: JSON.stringify(body), ...(signal ? { signal } : {}) }));
}

async function answered<T>(response: Response, read: (text: string) => unknown = parsed): Promise<T | null> {
  if (response.status === 204) return null;
  const text = await response.text();
  const body: unknown = response.ok ? read(text) : parsed(text);
  if (response.ok) return body as T;
  const said = (body ?? {}) as { error?: string; details?: string; errorMsg?: string; status?: string; taskId?: string };
  if (response.status === 500 && said.status && said.taskId) return body as T;
  throw new ApiError(response.status, said.error || said.errorMsg || `The server answered ${response.status}`, said.details);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** What browsers have of "JSON.parse source text access"; one without it reads numbers as usual. */
interface ExactJson {
  readonly rawJSON?: (text: string) => unknown;
  parse(text: string, revive: (name: string, value: unknown, context?: { readonly source?: string }) => unknown): unknown;
}

/** The value of a JSON text, with numbers that a JavaScript number would write differently as raw JSON. */
export function exactly(text: string): unknown {
  const json: ExactJson = JSON;
  return json.parse(text, (_, value, context) => {
    const source = context?.source;
    return typeof value === "number" && source && source !== String(value) && json.rawJSON ? json.rawJSON(source) : value;
  });
}
