/** Code in classified tokens, as the server sends it, with line numbers. */
import { useEffect, useRef, useState } from "preact/hooks";
import "./code.css";

/** `[class, text]`, or `["r", text, asset]` for a reference. */
export type CodeToken = readonly [kind: string, text: string, asset?: string];
export type CodeLine = readonly CodeToken[];

const FIRST_LINES = 1_500;
/** Lines that are in sight above one that was rejected. */
const LINES_BEFORE = 4;

interface CodeProps {
  readonly lines: readonly CodeLine[];
  readonly label: string;
  /** The number of the first line. */
  readonly first?: number;
  /** The number of the line that the database, or Python, rejected. */
  readonly wrong?: number | undefined;
  readonly linkOf: (asset: string) => string;
}

/** The code in a box that scrolls, to a line that was rejected if there is one; of very long code only the beginning, until all is asked for. */
export function Code({ lines, label, first = 1, wrong, linkOf }: CodeProps) {
  const box = useRef<HTMLDivElement>(null);
  const [all, showAll] = useState(false);
  const isBeyond = wrong !== undefined && wrong - first >= FIRST_LINES;
  useEffect(() => {
    if (isBeyond) showAll(true);
    const line = wrong === undefined ? null : box.current?.querySelector<HTMLElement>(".rejected");
    if (line) box.current!.scrollTop = line.offsetTop - LINES_BEFORE * line.offsetHeight;
  }, [label, wrong, isBeyond && all]);
  const shown = all ? lines : lines.slice(0, FIRST_LINES);
  return (
    <div class="codebox" ref={box} tabIndex={0} role="region" aria-label={label}>
      <pre class="sql" style={{ counterReset: `n ${first - 1}` }}>
        {shown.map((line, index) => (
          <Line key={index} line={line} wrong={first + index === wrong} linkOf={linkOf} />
        ))}
      </pre>
      {shown.length < lines.length && (
        <button type="button" class="btn quiet" onClick={() => showAll(true)}>
          Show the other {lines.length - shown.length} lines
        </button>
      )}
    </div>
  );
}

function Line({ line, wrong, linkOf }: { line: CodeLine; wrong: boolean; linkOf: (asset: string) => string }) {
  return (
    <span class={wrong ? "l rejected" : "l"}>
      {wrong && <span class="vh">The error is in this line: </span>}
      {line.map(([kind, text, asset], index) =>
        asset ? (
          <a key={index} class="ref" href={linkOf(asset)}>
            {text}
          </a>
        ) : kind ? (
          <span key={index} class={kind}>
            {text}
          </span>
        ) : (
          text
        ),
      )}
    </span>
  );
}

/** The text of the lines, as a file has it. */
export function textOf(lines: readonly CodeLine[]): string {
  return lines.map((line) => line.map(([, text]) => text).join("")).join("\n");
}
