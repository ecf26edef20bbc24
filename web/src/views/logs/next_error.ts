/** From one error to the next, with the keys e and Shift E. */
import { useKeys } from "../../keys";
import type { ListState } from "./list_state";

/** `say` reports what there is to say about it, "" for nothing. Returns what goes to the next error. */
export function useErrorKeys(state: ListState, say: (text: string) => void): () => void {
  const toError = async (by: 1 | -1): Promise<void> => say(await nextError(state, by));
  useKeys({
    e: () => void toError(1),
    "Shift E": () => void toError(-1),
  });
  return () => void toError(1);
}

/** Select the next error, or the one before; returns what to say about it. */
async function nextError(state: ListState, by: 1 | -1): Promise<string> {
  const { source } = state;
  const { levels } = source.filters;
  if (levels && !levels.has("error") && !levels.has("critical")) return "Errors are switched off";
  let found = await source.firstError(state.errorsFrom(by));
  const wraps = !found;
  found ??= await source.firstError(by > 0 ? { after: 0 } : { before: Number.MAX_SAFE_INTEGER });
  if (!found) return "There is no error among these lines";
  state.selectAt({ index: found.index, position: found.line.position }, true);
  state.element?.focus();
  if (!wraps) return "";
  return by > 0 ? "No later error: this is the first" : "No earlier error: this is the last";
}
