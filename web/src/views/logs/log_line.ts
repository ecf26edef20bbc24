/** A line of the log: how its JSON is read without losing a digit, and how it is written as text. */

/** A number whose digits JavaScript would change, such as 70.0 or 12345678901234567890, as it is in the JSON. */
class ExactNumber {
  constructor(readonly digits: string) {}
  toString(): string {
    return this.digits;
  }
}

/** An entry of GET /api/logs/{taskId}, with fields of its own. */
export interface LogLine {
  readonly level: string;
  readonly time: string;
  readonly message: string;
  readonly taskId: string;
  readonly position: number;
  readonly asset?: string;
  readonly connection?: string;
  readonly test?: string;
  readonly [field: string]: unknown;
}

type Reviver = (key: string, value: unknown, context?: { source?: string }) => unknown;

/** JSON with the digits of its numbers as they were sent, where the browser can say them. */
export function parseExact(text: string): unknown {
  const exact: Reviver = (_, value, context) =>
    typeof value === "number" && context?.source !== undefined && String(value) !== context.source
      ? new ExactNumber(context.source)
      : value;
  return JSON.parse(text, exact as (key: string, value: unknown) => unknown);
}

/** A value as JSON again, with its digits. */
export function jsonOf(value: unknown): string {
  if (value instanceof ExactNumber) return value.digits;
  if (Array.isArray(value)) return `[${value.map(jsonOf).join(",")}]`;
  if (value !== null && typeof value === "object") {
    return `{${Object.entries(value).map(([key, item]) => `${JSON.stringify(key)}:${jsonOf(item)}`).join(",")}}`;
  }
  return JSON.stringify(value) ?? "null";
}

/** A field's value as people read it: text without quotes, all else as JSON. */
export function valueText(value: unknown): string {
  return typeof value === "string" ? value : jsonOf(value);
}

const KNOWN = new Set(["level", "time", "message", "taskId", "position", "asset", "connection", "test"]);
const BESIDE_MESSAGE = new Set(["error", "exception"]);

/** The fields of the line's own. Those shown with the message are only in `all`. */
export function ownFields(line: LogLine, all = false): [string, unknown][] {
  return Object.entries(line).filter(([key]) => !KNOWN.has(key) && (all || !BESIDE_MESSAGE.has(key)));
}

/** What is shown after the message: the error, or the last line of the exception. */
export function reason(line: LogLine): string {
  if (typeof line["error"] === "string") return line["error"];
  const { exception } = line;
  return typeof exception === "string" ? (exception.trimEnd().split("\n").pop() ?? "") : "";
}

/** The time of day with milliseconds, in UTC. */
export const timeText = (line: LogLine): string => line.time.slice(11, 23);

/** The line as a line of text, for the clipboard. */
export function lineText(line: LogLine): string {
  const why = reason(line);
  const fields = ownFields(line).map(([key, value]) => `${key}=${valueText(value)}`);
  const parts = [line.time, line.level.toUpperCase(), line.asset ?? "", why ? `${line.message}: ${why}` : line.message];
  return [...parts.filter(Boolean), ...fields].join("  ").replaceAll("\n", "\\n");
}
