/** The text of an error, whole, in the words of whoever raised it. */
import "./said.css";

/** Lines wrap, except those above which a caret says where the error is, as in DuckDB's errors. */
export function Said({ text }: { text: string }) {
  return (
    <pre class="said" tabIndex={0} role="region" aria-label="Error">
      {excerpts(text).map(({ lines, isExcerpt }, index) => (
        <span key={index} class={isExcerpt ? "excerpt" : ""}>
          {`${lines.join("\n")}\n`}
        </span>
      ))}
    </pre>
  );
}

interface Part {
  readonly lines: readonly string[];
  readonly isExcerpt: boolean;
}

const CARET = /^ *\^+~*\s*$/;

/** The text in parts: a line and the caret below it, and what is between such pairs. */
export function excerpts(text: string): Part[] {
  const lines = text.split("\n");
  const parts: Part[] = [];
  let from = 0;
  lines.forEach((line, at) => {
    if (at === from || !CARET.test(line)) return;
    if (at - 1 > from) parts.push({ lines: lines.slice(from, at - 1), isExcerpt: false });
    parts.push({ lines: lines.slice(at - 1, at + 1), isExcerpt: true });
    from = at + 1;
  });
  if (from < lines.length) parts.push({ lines: lines.slice(from), isExcerpt: false });
  return parts;
}
