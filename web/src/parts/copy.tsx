/** A button that copies a text, and says that it did. */
import { useEffect, useState } from "preact/hooks";
import { copied, NOT_COPIED } from "./clipboard";
import { Icon } from "./icon";

const SAID_MS = 2_000;

interface CopyProps {
  readonly text: () => string;
  readonly what: string;
  readonly class?: string;
}

/** `what` names the button: "Copy the SQL". */
export function Copy({ text, what, class: name = "btn quiet icon" }: CopyProps) {
  const [said, say] = useState("");
  useEffect(() => {
    if (!said) return;
    const timer = setTimeout(() => say(""), SAID_MS);
    return () => clearTimeout(timer);
  }, [said]);
  const copy = async (): Promise<void> => say((await copied(text())) ? "Copied" : NOT_COPIED);
  return (
    <>
      <span class="xs faint" role="status">
        {said}
      </span>
      <button type="button" class={name} title={what} aria-label={what} onClick={copy}>
        <Icon name="copy" />
      </button>
    </>
  );
}
