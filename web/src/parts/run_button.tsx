/** A button that asks the server to do something: dashed, and saying why, while it cannot be asked. */
import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";
import { whyNoRun } from "../store";

interface Props {
  readonly onRun: () => unknown;
  readonly class?: string;
  /** What it does, where its text is too short to say so. */
  readonly label?: string | undefined;
  readonly children: ComponentChildren;
}

export function RunButton({ onRun, class: name = "btn", label, children }: Props) {
  const reason = useId();
  const why = whyNoRun.value;
  return (
    <>
      <button
        type="button"
        class={name}
        title={why || label}
        aria-disabled={why ? true : undefined}
        aria-describedby={why ? reason : undefined}
        onClick={() => !why && void onRun()}
      >
        {children}
      </button>
      {why && (
        <span id={reason} hidden>
          {why}
        </span>
      )}
    </>
  );
}
