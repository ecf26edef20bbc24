/** A diff of code: − and + as characters, with the numbers of the lines in both texts. */
import { useState } from "preact/hooks";
import { counted } from "../../parts/format";
import { diffLines } from "./comparison";

const FIRST_LINES = 400;
const SIGNS = { add: "+", del: "−", same: "", hunk: "" } as const;
const WORDS = { add: "added: ", del: "removed: ", same: "", hunk: "" } as const;

export function Diff({ diff, label }: { diff: string; label: string }) {
  const [all, showAll] = useState(false);
  const lines = diffLines(diff);
  const shown = all ? lines : lines.slice(0, FIRST_LINES);
  return (
    <div class="codebox" tabIndex={0} role="region" aria-label={label}>
      <pre class="sql diff">
        {shown.map((line, index) => (
          <span key={index} class={`l ${line.kind}`}>
            <i aria-hidden="true">
              <span>{line.old}</span>
              <span>{line.new}</span>
              <b>{SIGNS[line.kind]}</b>
            </i>
            <span class="vh">{WORDS[line.kind]}</span>
            {line.text}
          </span>
        ))}
      </pre>
      {shown.length < lines.length && (
        <button type="button" class="btn quiet" onClick={() => showAll(true)}>
          Show the other {counted(lines.length - shown.length, "line")}
        </button>
      )}
    </div>
  );
}
