/** The text of an error, whole, in the words of whoever raised it. */
import "./said.css";

const CARET = /\n *\^/;

/** Lines wrap, unless a caret under one of them says where the error is. */
export function Said({ text }: { text: string }) {
  return (
    <pre class={CARET.test(text) ? "said caret" : "said"} tabIndex={0} role="region" aria-label="Error">
      {text}
    </pre>
  );
}
