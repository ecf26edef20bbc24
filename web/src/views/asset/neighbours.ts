/** What is before and behind an asset in the graph. */
import type { Asset } from "../../api";

type Assets = ReadonlyMap<string, Pick<Asset, "downstreams">>;

/** All assets that read it, directly or through others, nearest first. */
export function allDownstreams(name: string, assets: Assets): string[] {
  const found = new Set<string>([name]);
  for (const one of found) for (const next of assets.get(one)?.downstreams ?? []) found.add(next);
  found.delete(name);
  return [...found];
}


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
