/** Which line of an asset's file an error is about. */

/** The line that a message names, of this file: "assets/models/a/b.sql:7: ..." or "... (b.py:7)". */
export function lineIn(message: string, path: string): number | undefined {
  const file = path.slice(path.lastIndexOf("/") + 1);
  const at = message.startsWith(`${path}:`) ? message.slice(path.length + 1) : after(message, `(${file}:`);
  const line = /^\d{1,9}/.exec(at)?.[0];
  return line ? Number(line) : undefined;
}

function after(text: string, mark: string): string {
  const at = text.lastIndexOf(mark);
  return at < 0 ? "" : text.slice(at + mark.length);
}
