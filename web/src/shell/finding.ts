/** How the palette finds: which texts match what was typed, how well, and where. */

/** Places of a text that match: from, and up to but not including, in order. */
export type Marks = readonly (readonly [number, number])[];

export interface Match {
  /** Lower is better. */
  readonly rank: number;
  readonly marks: Marks;
}

/** True unless only the letters of what was typed are there. */
export const isClose = (match: Match): boolean => match.rank < LOOSE;

const NOTHING: Match = { rank: 0, marks: [] };

const LOOSE = 10;

/** How a text matches what was typed: all of its words as they stand; or, loosely, all of its letters in order. */
export function matchOf(text: string, typed: string): Match | null {
  const words = typed.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return NOTHING;
  const lower = text.toLowerCase();
  return ofWords(lower, words) ?? ofLetters(lower, words.join(""));
}

function ofWords(text: string, words: readonly string[]): Match | null {
  let rank = text.length / 1_000;
  const marks: [number, number][] = [];
  for (const word of words) {
    const at = bestPlace(text, word);
    if (at < 0) return null;
    rank += at === 0 || text[at - 1] === "." ? 0 : startsWord(text, at) ? 1 : 2;
    marks.push([at, at + word.length]);
  }
  return { rank, marks: merged(marks) };
}

/** The first place where a part of the name begins with the word; else the first place at all. */
function bestPlace(text: string, word: string): number {
  const first = text.indexOf(word);
  for (let at = first; at >= 0; at = text.indexOf(word, at + 1)) if (startsWord(text, at)) return at;
  return first;
}

const startsWord = (text: string, at: number): boolean => at === 0 || /[^a-z0-9]/.test(text[at - 1]!);

function ofLetters(text: string, letters: string): Match | null {
  const marks: [number, number][] = [];
  let at = -1;
  for (const letter of letters) {
    at = text.indexOf(letter, at + 1);
    if (at < 0) return null;
    marks.push([at, at + 1]);
  }
  const joined = merged(marks);
  return { rank: LOOSE + joined.length + text.length / 1_000, marks: joined };
}

function merged(marks: [number, number][]): Marks {
  const found: [number, number][] = [];
  for (const [from, to] of marks.sort((one, other) => one[0] - other[0])) {
    const last = found.at(-1);
    if (last && from <= last[1]) last[1] = Math.max(last[1], to);
    else found.push([from, to]);
  }
  return found;
}

/**
 * The best matches of what is typed, each with its marks; ties stay in the given order.
 * Loose ones are only there while nothing else is.
 */
export function best<T>(things: Iterable<T>, textOf: (thing: T) => string, typed: string, most: number): (T & Match)[] {
  const found: (T & Match)[] = [];
  for (const thing of things) {
    const match = matchOf(textOf(thing), typed);
    if (match) found.push({ ...thing, ...match });
  }
  found.sort((one, other) => one.rank - other.rank);
  const shown = found[0] && isClose(found[0]) ? found.filter(isClose) : found;
  return shown.slice(0, most);
}
