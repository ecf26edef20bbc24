/** A name that is cut in its middle where there is no room for it: generated names differ at their end. */
import "./name.css";

const END = 10;

export function Name({ text }: { text: string }) {
  if (text.length <= 2 * END) return <>{text}</>;
  return (
    <span class="name-inside">
      <span class="cut">{text.slice(0, -END)}</span>
      <span>{text.slice(-END)}</span>
    </span>
  );
}
