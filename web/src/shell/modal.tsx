/** The frame of a dialog: the browser's own, which keeps the focus inside and gives it back. */
import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import { closeDialog, openPalette } from "./dialogs";

interface Props {
  readonly class: string;
  readonly label: string;
  readonly children: ComponentChildren;
}

export function Modal({ class: name, label, children }: Props) {
  const frame = useRef<HTMLDialogElement>(null);
  useLayoutEffect(() => {
    const shown = frame.current!;
    shown.showModal();
    return () => shown.close();
  }, []);
  // The page's keys are for what is behind the dialog: none of them gets through.
  const onKeyDown = (event: KeyboardEvent): void => {
    event.stopPropagation();
    if ((event.ctrlKey || event.metaKey) && event.key === "k") {
      event.preventDefault();
      openPalette();
    }
  };
  return (
    <dialog
      ref={frame}
      class={`dialog ${name}`}
      aria-label={label}
      onKeyDown={onKeyDown}
      onCancel={(event) => {
        event.preventDefault();
        closeDialog();
      }}
      onPointerDown={(event) => {
        if (event.target === frame.current) closeDialog(); // outside of what it contains
      }}
    >
      {children}
    </dialog>
  );
}
