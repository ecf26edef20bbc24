/** The part of Markdown that descriptions use, as a tree. Raw HTML stays text, and only http(s) addresses are links. */

export type Inline =
  | string
  | { readonly kind: "code" | "strong" | "em"; readonly text: readonly Inline[] }
  | { readonly kind: "link"; readonly href: string; readonly text: readonly Inline[] }
  | { readonly kind: "break" };

export type Block =
  | { readonly kind: "paragraph" | "heading"; readonly text: readonly Inline[] }
  | { readonly kind: "list"; readonly ordered: boolean; readonly items: readonly (readonly Inline[])[] }
  | { readonly kind: "code"; readonly text: string };

const FENCE = /^\s*(```|~~~)/;
const HEADING = /^#{1,6}\s+(.*)$/;
const ITEM = /^\s{0,3}(?:([-*+])|\d{1,9}[.)])\s+(.*)$/;

const LONGEST = 20_000;

/** The blocks of a text. What is behind its first 20,000 characters is one plain paragraph. */
export function markdown(text: string): Block[] {
  const rest = text.slice(LONGEST);
  const read = blocksOf(text.slice(0, LONGEST));
  return rest ? [...read, { kind: "paragraph", text: [rest] }] : read;
}

function blocksOf(text: string): Block[] {
  const lines = text.replaceAll("\r\n", "\n").split("\n");
  const blocks: Block[] = [];
  let paragraph: string[] = [];
  const flush = (): void => {
    if (paragraph.length > 0) blocks.push({ kind: "paragraph", text: inline(paragraph.join("\n")) });
    paragraph = [];
  };
  for (let at = 0; at < lines.length; at += 1) {
    const line = lines[at]!;
    const fence = FENCE.exec(line)?.[1];
    const item = ITEM.exec(line);
    const heading = HEADING.exec(line);
    if (!fence && !item && !heading && line.trim()) {
      paragraph.push(line.trim());
      continue;
    }
    flush();
    if (fence) {
      const code: string[] = [];
      for (at += 1; at < lines.length && !lines[at]!.trimStart().startsWith(fence); at += 1) code.push(lines[at]!);
      blocks.push({ kind: "code", text: code.join("\n") });
    } else if (heading) blocks.push({ kind: "heading", text: inline(heading[1]!) });
    else if (item) {
      const ordered = item[1] === undefined;
      const last = blocks.at(-1);
      const words = [inline(item[2]!)];
      if (last?.kind === "list" && last.ordered === ordered && lines[at - 1]!.trim()) {
        blocks[blocks.length - 1] = { ...last, items: joined(last.items, words) };
      } else blocks.push({ kind: "list", ordered, items: words });
    }
  }
  flush();
  return blocks;
}

/** Adds to an array that nobody else has yet: copying it for each item would be quadratic. */
function joined<T>(items: readonly T[], more: readonly T[]): readonly T[] {
  (items as T[]).push(...more);
  return items;
}

const LINK = /\[([^[\]\n]{1,500})\]\(\s{0,9}([^()\s]{1,2000})\s{0,9}\)/y;
const BARE = /https?:\/\/[^\s<>()[\]"'`]{1,2000}/y;
const MARKS = [
  ["**", "strong"],
  ["__", "strong"],
  ["*", "em"],
  ["_", "em"],
  ["`", "code"],
] as const;
const SPECIAL = /[*_`[\\\n]|https?:\/\//g;
const DEEPEST = 4;

/** The inline parts of a text. Nothing is searched twice, so the time grows with the length only. */
function inline(text: string, depth = 0): Inline[] {
  const parts: Inline[] = [];
  /** Marks that are nowhere in the rest of the text. */
  const missing = new Set<string>();
  let plain = 0;
  let at = 0;
  const put = (part: Inline, end: number): void => {
    if (plain < at) parts.push(text.slice(plain, at));
    parts.push(part);
    plain = at = end;
  };
  const next = (): boolean => {
    SPECIAL.lastIndex = at;
    const found = SPECIAL.exec(text);
    at = found ? found.index : text.length;
    return found !== null;
  };
  while (next()) {
    const found = linkAt(text, at, depth) ?? markedAt(text, at, depth, missing);
    if (found) put(found.part, found.end);
    else if (text[at] === "\n") put({ kind: "break" }, at + 1);
    else if (text[at] === "\\" && /[*_`[\]\\#-]/.test(text[at + 1] ?? "")) put(text[at + 1]!, at + 2);
    else at += 1;
  }
  if (plain < text.length) parts.push(text.slice(plain));
  return parts;
}

interface Found {
  readonly part: Inline;
  readonly end: number;
}

function linkAt(text: string, at: number, depth: number): Found | null {
  LINK.lastIndex = BARE.lastIndex = at;
  const link = text[at] === "[" ? LINK.exec(text) : null;
  if (link) {
    const href = safeAddress(link[2]!);
    const end = at + link[0].length;
    if (!href) return { part: link[0], end };
    return { part: { kind: "link", href, text: depth < DEEPEST ? inline(link[1]!, depth + 1) : [link[1]!] }, end };
  }
  const bare = text[at] === "h" ? BARE.exec(text)?.[0].replace(/[.,;:!?]+$/, "") : null;
  const href = bare && safeAddress(bare);
  return href ? { part: { kind: "link", href, text: [bare] }, end: at + bare.length } : null;
}

function markedAt(text: string, at: number, depth: number, missing: Set<string>): Found | null {
  for (const [mark, kind] of MARKS) {
    if (!text.startsWith(mark, at) || missing.has(mark) || depth >= DEEPEST) continue;
    const start = at + mark.length;
    const end = text.indexOf(mark, start + 1);
    if (end < 0) {
      missing.add(mark);
      continue;
    }
    if (kind === "code") return { part: { kind, text: [text.slice(start, end)] }, end: end + 1 };
    // snake_case and 2 * 3 are no emphasis
    if (/\s/.test(text[start]!) || /\s/.test(text[end - 1]!)) continue;
    if (mark.startsWith("_") && (/\w/.test(text[at - 1] ?? "") || /\w/.test(text[end + mark.length] ?? ""))) continue;
    return { part: { kind, text: inline(text.slice(start, end), depth + 1) }, end: end + mark.length };
  }
  return null;
}

/** The address if it is an http(s) one, else "". */
export function safeAddress(address: string): string {
  try {
    const url = new URL(address);
    return url.protocol === "https:" || url.protocol === "http:" ? url.href : "";
  } catch {
    return "";
  }
}
