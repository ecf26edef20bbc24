/** The line below a grid: where one is, the keys, and how values look. */
import { useState } from "preact/hooks";
import { count } from "../parts/format";
import type { Place } from "./use_grid";

interface FootProps {
  readonly rows: number;
  readonly place: Place | null;
  readonly said: string;
  /** Whether rows can be traced. */
  readonly traces: boolean;
  readonly goTo: (row: number) => void;
}

export function GridFoot({ rows, place, said, traces, goTo }: FootProps) {
  const [text, write] = useState("");
  const go = (event: Event): void => {
    event.preventDefault();
    const row = Number.parseInt(text.replace(/[,\s]/g, ""), 10);
    if (Number.isNaN(row) || rows === 0) return;
    goTo(Math.min(rows, Math.max(1, row)) - 1);
    write("");
    document.querySelector<HTMLElement>("[role=grid]")?.focus();
  };
  return (
    <div class="foot">
      <span>{place ? `Row ${count(place.row + 1)} of ${count(rows)}` : `${count(rows)} ${rows === 1 ? "row" : "rows"}`}</span>
      <form class="goto" onSubmit={go}>
        <label>
          Go to row <kbd>g</kbd>{" "}
          <input id="go-to-row" inputMode="numeric" autocomplete="off" value={text} onInput={(event) => write(event.currentTarget.value)} />
        </label>
      </form>
      <span class="wide">Arrows move</span>
      <span class="wide">
        Sort <kbd>s</kbd>
      </span>
      <span class="wide">Ctrl Home, Ctrl End</span>
      <span class="wide">Enter: the cell</span>
      {traces && (
        <span class="wide">
          Where from <kbd>t</kbd>
        </span>
      )}
      <span class="grow" role="status">
        {said}
      </span>
      <span class="wide">
        <span class="null">NULL</span> no value
      </span>
      <span class="wide">
        <span class="empty">empty text</span> of length 0
      </span>
    </div>
  );
}
