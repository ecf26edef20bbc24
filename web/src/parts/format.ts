/** Numbers, times and durations as people read them. */

const COUNT = new Intl.NumberFormat("en-US");

/** A count with separators: 336,776. */
export function count(value: number): string {
  return COUNT.format(value);
}

/** A count with its noun: "1 row", "20 rows". */
export function counted(value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`;
}

/** The text with a capital letter in front. */
export function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** A duration in milliseconds: "5 ms", "1.75 s", "2 min 3 s", "1 h 5 min". */
export function duration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(2)} s`;
  if (ms < 3_600_000) return `${Math.floor(ms / 60_000)} min ${Math.floor((ms % 60_000) / 1_000)} s`;
  return `${Math.floor(ms / 3_600_000)} h ${Math.floor((ms % 3_600_000) / 60_000)} min`;
}

/** The duration of something that still runs, in steps of a hundredth of a second up to a minute. */
export function ticking(ms: number): string {
  return ms < 60_000 ? `${(Math.max(0, ms) / 1_000).toFixed(2)} s` : duration(ms);
}

/** The time of day, in UTC: 20:56:52. */
export function timeOfDay(epochMs: number): string {
  return new Date(epochMs).toISOString().slice(11, 19);
}

/** The day, in UTC: 25 November 2026. */
export function day(epochMs: number): string {
  return new Intl.DateTimeFormat("en-GB", { dateStyle: "long", timeZone: "UTC" }).format(epochMs);
}

/** A name cut in its middle to at most so many characters; more of its end is left: there, generated names differ. */
export function cutInside(name: string, most: number): string {
  if (name.length <= most) return name;
  const head = Math.floor((most - 1) / 3);
  return `${name.slice(0, head)}…${name.slice(name.length - Math.max(1, most - 1 - head))}`;
}
