/** The icons: drawn from the direction's own shapes, coloured by the text around them. */
import type { ComponentChildren } from "preact";

const LINE = { fill: "none", stroke: "currentColor" } as const;
const CUT = { fill: "none", stroke: "var(--surface)" } as const;

const SHAPES = {
  success: (
    <>
      <circle cx="7" cy="7" r="6.5" fill="currentColor" />
      <path d="M3.9 7.2 6.1 9.4 10.2 4.9" {...CUT} stroke-width="1.7" />
    </>
  ),
  failed: (
    <>
      <path d="M4.2.5h5.6l3.7 3.7v5.6l-3.7 3.7H4.2L.5 9.8V4.2z" fill="currentColor" />
      <path d="m4.6 4.6 4.8 4.8m0-4.8L4.6 9.4" {...CUT} stroke-width="1.7" />
    </>
  ),
  running: (
    <>
      <circle cx="7" cy="7" r="5.6" {...LINE} stroke-width="2" opacity=".3" />
      <path d="M7 1.4A5.6 5.6 0 0 1 12.6 7" {...LINE} stroke-width="2" />
    </>
  ),
  testing: (
    <>
      <path d="M5 1v4L1.6 11.4a1 1 0 0 0 .9 1.5h9a1 1 0 0 0 .9-1.5L9 5V1M4 1h6" {...LINE} stroke-width="1.3" />
      <path d="M3.6 9h6.8l1.4 2.9H2.2z" fill="currentColor" />
    </>
  ),
  skipped: (
    <>
      <circle cx="7" cy="7" r="5.8" {...LINE} stroke-width="1.4" stroke-dasharray="2.3 1.7" />
      <path d="M4 7h6" {...LINE} stroke-width="1.6" />
    </>
  ),
  waiting: (
    <>
      <circle cx="7" cy="7" r="5.8" {...LINE} stroke-width="1.3" />
      <path d="M7 3.6V7l2.3 1.6" {...LINE} stroke-width="1.3" />
    </>
  ),
  warn: (
    <>
      <path d="M7 .8 13.6 12.9H.4z" fill="currentColor" />
      <path d="M7 5v4m0 1.2v1.4" {...CUT} stroke-width="1.5" />
    </>
  ),
  paused: <path d="M4.5 2v10m5-10v10" {...LINE} stroke-width="2.2" />,
  search: (
    <>
      <circle cx="6" cy="6" r="4.3" {...LINE} stroke-width="1.4" />
      <path d="m9.2 9.2 3.6 3.6" {...LINE} stroke-width="1.4" />
    </>
  ),
  down: <path d="m3.5 5.5 3.5 3.5 3.5-3.5" {...LINE} stroke-width="1.4" />,
  right: <path d="m5.5 3.5 3.5 3.5-3.5 3.5" {...LINE} stroke-width="1.4" />,
  descending: <path d="M7 2v9.5M3.5 8 7 11.5 10.5 8" {...LINE} stroke-width="1.5" />,
  ascending: <path d="M7 12V2.5M3.5 6 7 2.5 10.5 6" {...LINE} stroke-width="1.5" />,
  close: <path d="m3.5 3.5 7 7m0-7-7 7" {...LINE} stroke-width="1.3" />,
  sun: (
    <>
      <circle cx="7" cy="7" r="2.6" {...LINE} stroke-width="1.3" />
      <path
        d="M7 .8v2M7 11.2v2M.8 7h2M11.2 7h2M2.6 2.6 4 4m6 6 1.4 1.4m0-8.8L10 4M4 10l-1.4 1.4"
        {...LINE}
        stroke-width="1.2"
      />
    </>
  ),
  moon: <path d="M11.8 8.6A5 5 0 0 1 5.4 2.2a5 5 0 1 0 6.4 6.4z" {...LINE} stroke-width="1.3" />,
  system: <path d="M1.5 2h11v7.5h-11zM5 12.2h4" {...LINE} stroke-width="1.3" />,
  copy: <path d="M4.5 4.5h8v8h-8zM2.5 9.5h-1v-8h8v1" {...LINE} stroke-width="1.2" />,
  plus: <path d="M7 2v10M2 7h10" {...LINE} stroke-width="1.8" />,
  minus: <path d="M2 7h10" {...LINE} stroke-width="1.8" />,
  edit: <path d="m2 12 .6-2.8 7-7 2.2 2.2-7 7z" {...LINE} stroke-width="1.2" />,
  same: <path d="M2 5h10M2 9h10" {...LINE} stroke-width="1.6" />,
} satisfies Record<string, ComponentChildren>;

export type IconName = keyof typeof SHAPES;

/** An icon without a word of its own: put the word beside it. */
export function Icon({ name, spin = false }: { name: IconName; spin?: boolean }) {
  return (
    <svg class={spin ? "i spin" : "i"} viewBox="0 0 14 14" aria-hidden="true">
      {SHAPES[name]}
    </svg>
  );
}
