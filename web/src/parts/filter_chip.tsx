/** A chip that switches a filter on and off. */
import type { ComponentChildren } from "preact";

interface FilterChipProps {
  readonly isOn: boolean;
  readonly toggle: () => void;
  readonly children: ComponentChildren;
}

export function FilterChip({ isOn, toggle, children }: FilterChipProps) {
  return (
    <button type="button" class={isOn ? "chip filter on" : "chip filter"} aria-pressed={isOn} onClick={toggle}>
      {children}
    </button>
  );
}
