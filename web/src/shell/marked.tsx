/** A text with the places marked that match a search. */
import type { Marks } from "./finding";

export function Marked({ text, marks }: { text: string; marks: Marks }) {
  const parts = [];
  let at = 0;
  for (const [from, to] of marks) {
    parts.push(text.slice(at, from), <mark key={from}>{text.slice(from, to)}</mark>);
    at = to;
  }
  parts.push(text.slice(at));
  return <>{parts}</>;
}
