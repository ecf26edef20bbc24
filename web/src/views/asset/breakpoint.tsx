/** Whether runs from the page hold at an asset, and when. */
import { useSignal } from "@preact/signals";
import { useId } from "preact/hooks";
import { breakpointOf, isWhen, setBreakpoint, toggleBreakpoint, WHENS } from "../../breakpoints";
import { project } from "../../store";

export function Breakpoint({ name }: { name: string }) {
  const when = breakpointOf(name);
  if (project.value?.readOnly) return null; // nothing runs here
  return (
    <div class="block row runs">
      <button type="button" class="btn" aria-pressed={when !== undefined} title="Runs from the page hold here" onClick={() => toggleBreakpoint(name)}>
        Breakpoint <kbd>b</kbd>
      </button>
      {when !== undefined && <When name={name} when={when} />}
    </div>
  );
}

/** What was typed counts once it is valid. */
function When({ name, when }: { name: string; when: string }) {
  const id = useId();
  const typed = useSignal(when);
  const isWrong = !isWhen(typed.value);
  const take = (text: string): void => {
    typed.value = text;
    if (isWhen(text)) setBreakpoint(name, text.trim());
  };
  return (
    <>
      <input
        class="text mono"
        aria-label="When to hold"
        list={id}
        spellcheck={false}
        autocomplete="off"
        value={typed.value}
        aria-invalid={isWrong}
        aria-describedby={isWrong ? `${id}-wrong` : undefined}
        onInput={(event) => take(event.currentTarget.value)}
      />
      <datalist id={id}>
        {WHENS.map((one) => (
          <option key={one} value={one} />
        ))}
      </datalist>
      {isWrong && (
        <span class="xs muted" id={`${id}-wrong`}>
          before, after, failed, or such as rows &lt; 1
        </span>
      )}
    </>
  );
}
