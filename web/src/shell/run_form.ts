/** The form for a run: what was typed, and the request that it means or what is wrong with it. */
import type { RunRequest } from "../run";

export interface Row {
  readonly key: string;
  readonly value: string;
}

export interface RunForm {
  readonly mode: "rows" | "json";
  readonly rows: readonly Row[];
  readonly json: string;
  readonly select: string;
  /** The id of the new task; "" leaves it to the page. */
  readonly taskId: string;
  readonly runTests: boolean;
  readonly profile: boolean;
}

export const EMPTY_FORM: RunForm = { mode: "rows", rows: [{ key: "", value: "" }], json: "{}", select: "", taskId: "", runTests: true, profile: false };

export type Read<T> = { readonly value: T } | { readonly error: string };

/** A value of a row: what is JSON is taken as that, anything else as text. */
function valueOf(text: string): unknown {
  const trimmed = text.trim();
  try {
    return JSON.parse(trimmed);
  } catch {
    return trimmed;
  }
}

/** The run's data. */
export function dataOf(form: RunForm): Read<Record<string, unknown>> {
  if (form.mode === "json") return ofJson(form.json);
  const data: Record<string, unknown> = Object.create(null);
  for (const { key, value } of form.rows) {
    const name = key.trim();
    if (!name && !value.trim()) continue;
    if (!name) return { error: `The value ${value.trim()} has no name.` };
    if (name in data) return { error: `${name} appears twice; keep one.` };
    data[name] = valueOf(value);
  }
  return { value: data };
}

function ofJson(text: string): Read<Record<string, unknown>> {
  if (!text.trim()) return { value: {} };
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return { error: `Not valid JSON: ${wrongWith(error instanceof Error ? error.message : "", text)}` };
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return { value: value as Record<string, unknown> };
  return { error: 'The data must be a JSON object, such as {"since": "2013-01-01"}.' };
}

/** The browser's message without the text around the mistake, and with a line and column in place of a position. */
function wrongWith(message: string, text: string): string {
  const token = /^Unexpected token '(.+?)',/s.exec(message)?.[1];
  if (token) return `${token} is not expected here.`;
  const position = /at position (\d+)/.exec(message)?.[1];
  if (position === undefined) return message;
  const before = text.slice(0, Number(position)).split("\n");
  return `${message.split(/ (?:in JSON )?at position/)[0]} (line ${before.length}, column ${before.at(-1)!.length + 1}).`;
}

/** The request that the form means. */
export function requestOf(form: RunForm): Read<RunRequest> {
  const data = dataOf(form);
  if ("error" in data) return data;
  const [select, taskId] = [form.select.trim(), form.taskId.trim()];
  return {
    value: {
      ...(Object.keys(data.value).length && { data: data.value }),
      ...(select && { select }),
      ...(taskId && { taskId }),
      ...(!form.runTests && { runTests: false }),
      ...(form.profile && { profile: true }),
    },
  };
}

/** The form in its other mode, with the same data; unchanged if its data cannot be read. */
export function inMode(form: RunForm, mode: RunForm["mode"]): RunForm {
  const data = dataOf(form);
  if (form.mode === mode || "error" in data) return form;
  if (mode === "json") return { ...form, mode, json: JSON.stringify(data.value, null, 2) };
  const rows = Object.entries(data.value).map(([key, value]) => ({ key, value: shown(value) }));
  return { ...form, mode, rows: [...rows, { key: "", value: "" }] };
}

/** A value as a row shows it: text without quotes, unless it would be read as something else. */
function shown(value: unknown): string {
  return typeof value === "string" && valueOf(value) === value ? value : JSON.stringify(value);
}

/** A form that was kept as text; the empty one if that is not one. */
export function formOf(kept: string | null): RunForm {
  try {
    const value = { ...EMPTY_FORM, ...(JSON.parse(kept ?? "{}") as Partial<RunForm>) };
    const isForm = Array.isArray(value.rows) && typeof value.json === "string" && typeof value.select === "string";
    return isForm ? value : EMPTY_FORM;
  } catch {
    return EMPTY_FORM;
  }
}
