/** The parameters of the project's templates: `param("name", default)` of their SQL. */
import type { Asset } from "../api";

export interface Parameter {
  readonly name: string;
  /** Its default as JSON; "" if it has none, or one that is no plain value. */
  readonly fallback: string;
  /** The first asset that reads it. */
  readonly asset: string;
}

const CALL = /\bparam\(\s*(["'])([A-Za-z_]\w*)\1\s*(?:,\s*("[^"]*"|'[^']*'|-?\d+(?:\.\d+)?|true|false|none))?/gi;

/** All parameters, by name in the order of the assets. */
export function parametersOf(assets: Iterable<Pick<Asset, "name" | "sqlSelectQuery">>): readonly Parameter[] {
  const found = new Map<string, Parameter>();
  for (const asset of assets) {
    for (const [, , name, fallback = ""] of asset.sqlSelectQuery.matchAll(CALL)) {
      const known = found.get(name!);
      if (!known || (!known.fallback && fallback)) found.set(name!, { name: name!, fallback: asJson(fallback), asset: known?.asset ?? asset.name });
    }
  }
  return [...found.values()];
}

/** A literal of a template as JSON. */
function asJson(literal: string): string {
  if (/^["']/.test(literal)) return JSON.stringify(literal.slice(1, -1));
  const lower = literal.toLowerCase();
  return lower === "none" ? "null" : lower;
}
