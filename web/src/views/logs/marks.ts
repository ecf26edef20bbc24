/** Which parts of a text a search found. */

/** A part of a text, and whether it was found. */
export interface Part {
  readonly text: string;
  readonly found: boolean;
}

/** A text in parts, in order; the search takes no notice of case. */
export function parts(text: string, search: string): Part[] {
  if (!search) return [{ text, found: false }];
  const found: Part[] = [];
  let from = 0;
  for (const { 0: match, index } of text.matchAll(new RegExp(escaped(search), "giu"))) {
    if (index > from) found.push({ text: text.slice(from, index), found: false });
    found.push({ text: match, found: true });
    from = index + match.length;
  }
  if (from < text.length || found.length === 0) found.push({ text: text.slice(from), found: false });
  return found;
}

/** The field and the value of a search such as `rows=0`; null if it is no such search. */
export function fieldSearch(search: string): { field: string; value: string } | null {
  const match = /^([^\s=]+)=(.*)$/su.exec(search);
  return match ? { field: match[1]!.toLowerCase(), value: match[2]!.trim().toLowerCase() } : null;
}

const escaped = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|]/gu, "\\$&");
