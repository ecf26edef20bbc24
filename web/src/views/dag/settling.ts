/** Heights of the items of a small graph: level with their neighbours, in a given order, without overlaps. Pure. */

const SWEEPS = 4;

/**
 * The height of each item; the least is 0. `columns` has the items from top to bottom, `neighbours` the items beside each,
 * and `room` half of the distance that each keeps from others like it.
 */
export function settled(
  columns: readonly (readonly number[])[],
  neighbours: readonly (readonly number[])[],
  room: readonly number[],
): number[] {
  const heights = neighbours.map(() => 0);
  const offsets = columns.map((column) => offsetsOf(column, room));
  const tallest = offsets.reduce((most, column) => Math.max(most, column.at(-1) ?? 0), 0);
  columns.forEach((column, at) => {
    const start = (tallest - (offsets[at]!.at(-1) ?? 0)) / 2;
    column.forEach((item, row) => (heights[item] = start + offsets[at]![row]!));
  });
  const order = columns.map((_, at) => at);
  for (let sweep = 0; sweep < SWEEPS; sweep += 1) {
    for (const at of sweep % 2 === 0 ? order : order.toReversed()) {
      const [column, offset] = [columns[at]!, offsets[at]!];
      const wanted = column.map((item, row) => mean(neighbours[item]!, heights, heights[item]!) - offset[row]!);
      isotonic(wanted).forEach((value, row) => (heights[column[row]!] = value + offset[row]!));
    }
  }
  const least = heights.reduce((lowest, height) => Math.min(lowest, height), Infinity);
  return heights.map((height) => Math.round(height - least));
}

function offsetsOf(column: readonly number[], room: readonly number[]): number[] {
  let at = 0;
  return column.map((item, row) => (at += row > 0 ? room[column[row - 1]!]! + room[item]! : 0));
}

function mean(items: readonly number[], heights: readonly number[], otherwise: number): number {
  return items.length === 0 ? otherwise : items.reduce((sum, item) => sum + heights[item]!, 0) / items.length;
}

/** The values that never decrease and are nearest to the given ones. */
export function isotonic(values: readonly number[]): number[] {
  const blocks: { mean: number; count: number }[] = [];
  for (const value of values) {
    let block = { mean: value, count: 1 };
    while (blocks.length > 0 && blocks.at(-1)!.mean > block.mean) {
      const before = blocks.pop()!;
      const count = before.count + block.count;
      block = { mean: (before.mean * before.count + block.mean * block.count) / count, count };
    }
    blocks.push(block);
  }
  return blocks.flatMap(({ mean: value, count }) => Array<number>(count).fill(value));
}
