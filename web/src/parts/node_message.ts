/** What the messages of nodes and data tests say, in the server's words (docs/http-api/dag.md). */

/** The asset because of which a node was skipped, or "". */
export function blockerOf(message: string): string {
  return /^skipped: upstream (.*) failed$/s.exec(message)?.[1] ?? "";
}

/** Why a data test could not run. */
export const whyNotRun = (error: string): string => error.replace(/^could not run: /, "");
