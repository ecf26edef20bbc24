/** Tabs: arrows move between them, and the chosen one is in the URL. */
import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";

export interface Tab<Name extends string> {
  readonly name: Name;
  readonly title: ComponentChildren;
}

interface TabsProps<Name extends string> {
  readonly id: string;
  readonly label: string;
  readonly tabs: readonly Tab<Name>[];
  readonly chosen: Name;
  readonly choose: (name: Name) => void;
}

export function Tabs<Name extends string>({ id, label, tabs, chosen, choose }: TabsProps<Name>) {
  useEffect(() => {
    document.getElementById(`${id}-${chosen}`)?.scrollIntoView({ block: "nearest", inline: "nearest" }); // there may be too little room for all
  }, [chosen]);
  const move = (event: KeyboardEvent): void => {
    const index = tabs.findIndex((tab) => tab.name === chosen);
    const next = { ArrowRight: index + 1, ArrowLeft: index - 1, Home: 0, End: tabs.length - 1 }[event.key];
    if (next === undefined) return;
    event.preventDefault();
    const { name } = tabs[(next + tabs.length) % tabs.length]!;
    choose(name);
    document.getElementById(`${id}-${name}`)?.focus();
  };
  return (
    <div class="tabs" role="tablist" aria-label={label} onKeyDown={move}>
      {tabs.map(({ name, title }) => (
        <button
          key={name}
          type="button"
          role="tab"
          id={`${id}-${name}`}
          aria-selected={name === chosen}
          aria-controls={`${id}-panel`}
          tabIndex={name === chosen ? 0 : -1}
          onClick={() => choose(name)}
        >
          {title}
        </button>
      ))}
    </div>
  );
}

/** What the chosen tab shows. */
export function TabPanel({ id, chosen, children }: { id: string; chosen: string; children: ComponentChildren }) {
  return (
    <div class="tabpanel" role="tabpanel" id={`${id}-panel`} aria-labelledby={`${id}-${chosen}`}>
      {children}
    </div>
  );
}
