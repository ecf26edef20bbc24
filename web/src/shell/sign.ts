/** What a tab says about the task: its kind, how far it is, and how that is drawn. */

export type SignKind = "none" | "running" | "success" | "failed" | "offline" | "broken";

export interface Sign {
  readonly kind: SignKind;
  readonly ended: number;
  readonly total: number;
  /** True if something failed in a task that still runs. */
  readonly failed: boolean;
}

export interface Facts {
  readonly status: string | undefined;
  readonly isOffline: boolean;
  readonly isLoaded: boolean;
  readonly runs: boolean;
  readonly ended: number;
  readonly total: number;
  readonly failed: boolean;
}

export function signOf({ status, isOffline, isLoaded, runs, ended, total, failed }: Facts): Sign {
  const ofTask = { ended, total, failed };
  if (isOffline) return { kind: "offline", ...ofTask };
  if (runs) return { kind: "running", ...ofTask };
  if (!isLoaded) return { kind: "broken", ...ofTask };
  if (status === "SUCCESS") return { kind: "success", ...ofTask };
  if (status === "FAILED") return { kind: "failed", ...ofTask };
  return { kind: "none", ...ofTask };
}

/** "7 of 22 · nightly · shop": what matters first, since tabs are narrow. */
export function titleOf({ kind, ended, total, failed }: Sign, taskId: string, projectName: string): string {
  const words: Record<SignKind, string> = {
    none: "",
    running: `${ended} of ${total}${failed ? ", failed" : ""}`,
    success: "Done",
    failed: "Failed",
    offline: "Offline",
    broken: "Cannot be loaded",
  };
  const named = kind === "running" || kind === "success" || kind === "failed" ? taskId : "";
  return [words[kind], named, projectName].filter(Boolean).join(" · ");
}

const RING = 2 * Math.PI * 6;

/** The icon: a silhouette of its own for each kind, and while a task runs, how far it is. Seen on light and dark tabs. */
export function svgOf({ kind, ended, total, failed }: Sign): string {
  const share = Math.round((total ? ended / total : 0) * 20) / 20; // drawn again for each twentieth only
  const white = `fill="none" stroke="#fff" stroke-width="2"`;
  const shapes: Record<SignKind, string> = {
    none: `<path d="M4 4h3v8h5" fill="none" stroke="#7C858F" stroke-width="2"/><circle cx="4" cy="4" r="2.5" fill="#7C858F"/><circle cx="12" cy="12" r="2.5" fill="#7C858F"/>`,
    running:
      `<circle cx="8" cy="8" r="6" fill="none" stroke="#9CC8E3" stroke-width="3"/>` +
      `<circle cx="8" cy="8" r="6" fill="none" stroke="${failed ? "#D55E00" : "#0072B2"}" stroke-width="3" stroke-dasharray="${(share * RING).toFixed(1)} 99" transform="rotate(-90 8 8)"/>`,
    success: `<circle cx="8" cy="8" r="8" fill="#00956C"/><path d="m4 8.3 2.8 2.8L12 5.4" ${white}/>`,
    failed: `<path d="M4.7 0h6.6L16 4.7v6.6L11.3 16H4.7L0 11.3V4.7z" fill="#D55E00"/><path d="m5 5 6 6m0-6-6 6" ${white}/>`,
    offline: `<path d="M8 1 15.5 15H.5z" fill="#7D5A00"/><path d="M8 6v4m0 1.5v2" ${white}/>`,
    broken: `<path d="M3 0h7l4 4v12H3z" fill="#D55E00"/><path d="M8.5 4.5v5m0 1.5v2" ${white}/>`,
  };
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16">${shapes[kind]}</svg>`;
}
