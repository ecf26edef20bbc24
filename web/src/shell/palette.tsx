/** The palette: find any asset, test or task, or do something, from the keyboard. */
import { useComputed, useSignal } from "@preact/signals";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { type DataTest, get } from "../api";
import { Icon } from "../parts/icon";
import { State } from "../parts/look";
import { go } from "../router";
import { assets } from "../store";
import { closeDialog, dialog } from "./dialogs";
import { Marked } from "./marked";
import { Modal } from "./modal";
import { found, type Group, type Item } from "./palette_items";

export function Palette() {
  const typed = useSignal("");
  const chosen = useSignal(0);
  const tests = useTestNames();
  const groups = useComputed(() => found(typed.value, tests.value));
  const items = groups.value.flatMap((group) => group.items);
  const current = items[Math.min(chosen.value, items.length - 1)];
  const move = (by: number): void => {
    if (items.length) chosen.value = (Math.min(chosen.value, items.length - 1) + by + items.length) % items.length;
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.isComposing) return;
    if (event.key === "ArrowDown") move(1);
    else if (event.key === "ArrowUp") move(-1);
    else if (event.key !== "Enter") return;
    else if (current) take(current, event.ctrlKey || event.metaKey);
    event.preventDefault();
  };
  return (
    <Modal class="pal" label="Palette">
      <header>
        <Icon name="search" />
        <input
          class="find grow"
          type="text"
          role="combobox"
          aria-label="Find or run"
          aria-expanded="true"
          aria-controls="found"
          aria-autocomplete="list"
          aria-activedescendant={current ? idOf(current) : undefined}
          placeholder="Find an asset, test or task, or do something"
          autocomplete="off"
          spellcheck={false}
          autofocus
          value={typed.value}
          onInput={(event) => {
            typed.value = event.currentTarget.value;
            chosen.value = 0;
          }}
          onKeyDown={onKeyDown}
        />
        <kbd>Esc</kbd>
      </header>
      <div role="listbox" id="found" aria-label="Found" class="found">
        {groups.value.map((group) => (
          <Found key={group.title} group={group} current={current} />
        ))}
      </div>
      {items.length === 0 && <p class="pi">Nothing matches “{typed.value}”.</p>}
      <footer class="xs faint">
        <span>↑ ↓ choose</span>
        <span>Enter opens</span>
        <span>Ctrl Enter opens in a new tab</span>
        <span class="vh" role="status">
          {items.length} found
        </span>
      </footer>
    </Modal>
  );
}

const idOf = (item: Item): string => `found ${item.id}`.replaceAll(/\s/g, "-");

function Found({ group, current }: { group: Group; current: Item | undefined }) {
  return (
    <div role="group" aria-label={group.title}>
      <h3 class="ph" aria-hidden="true">
        {group.title}
      </h3>
      {group.items.map((item) => (
        <Option key={item.id} item={item} on={item === current} />
      ))}
    </div>
  );
}

function Option({ item, on }: { item: Item; on: boolean }) {
  const line = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    if (on) line.current?.scrollIntoView({ block: "nearest" });
  }, [on]);
  return (
    <div
      ref={line}
      class={on ? "pi on" : "pi"}
      role="option"
      id={idOf(item)}
      aria-selected={on}
      onClick={(event) => take(item, event.ctrlKey || event.metaKey)}
    >
      <span class="ps">{item.look && <State look={item.look} {...(item.word && { word: item.word })} />}</span>
      <span class="grow cut">
        <Marked text={item.label} marks={item.marks} />
      </span>
      {item.key ? <kbd>{item.key}</kbd> : <span class="faint xs">{item.hint}</span>}
    </div>
  );
}

function take(item: Item, inNewTab: boolean): void {
  if (item.href && inNewTab) {
    window.open(item.href, "_blank", "noopener");
    return;
  }
  closeDialog();
  if (item.href) go(item.href);
  else item.act?.();
}

let kept: readonly string[] = [];

/** All data tests by name: those of assets at once, root tests and others when the server has said them. */
function useTestNames() {
  const names = useSignal<readonly string[]>(kept.length ? kept : [...assets.value.values()].flatMap((asset) => asset.tests));
  useEffect(() => {
    get<{ tests: readonly DataTest[] }>("/api/tests").then(
      (answer) => {
        kept = (answer?.tests ?? []).map((test) => test.name);
        if (dialog.value === "palette") names.value = kept;
      },
      () => {}, // offline: what is known is offered
    );
  }, []);
  return names;
}
