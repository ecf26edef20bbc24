/** How code as it is written and code as a database was sent it belong together. */

/** Whether a statement is what the next run sends. Of the first line, what comes before the query can differ. */
export function isAsSent(compiled: string, statement: string): boolean {
  const rest = (text: string): string => text.trim().split("\n").slice(1).join("\n");
  return compiled.trim() === statement.trim() || (compiled.includes("\n") && rest(compiled) === rest(statement));
}

/** The line as it is written of a line that was sent, both counted from 1. Not known if it was edited since. */
export function writtenLine(written: string, sent: string, line: number): number | undefined {
  const [lines, sentLines] = [written.split("\n"), sent.split("\n")].map((all) => all.map((one) => one.trim())) as [string[], string[]];
  const text = sentLines[line - 1];
  if (!text) return undefined;
  const [first, same] = [line === 1, lines[line - 1]];
  if (same && lines.length === sentLines.length && (same === text || same.includes("{{") || (first && text.endsWith(same)))) return line;
  const at = lines.indexOf(text);
  return at >= 0 && at === lines.lastIndexOf(text) ? at + 1 : undefined;
}
