// The keys of the page: one list, for acting on them and for the sheet that explains them.

export interface Key {
  /** As KeyboardEvent.key has it. */
  keys: string[];
  shown: string;
  does: string;
  group: "Move" | "This event" | "Narrow" | "Page";
  act: () => void;
}

/** Whether a key that was pressed belongs to what has the focus: a field to write in, a list to choose from. */
export function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLInputElement ||
    target instanceof HTMLTextAreaElement ||
    target instanceof HTMLSelectElement
  );
}

export function press(keys: Key[], event: KeyboardEvent): boolean {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return false;
  if (isTyping(event.target)) return false;
  // A button that has the focus is pressed by these itself.
  const onButton = event.target instanceof HTMLButtonElement;
  if (onButton && (event.key === "Enter" || event.key === " ")) return false;
  const key = keys.find((k) => k.keys.includes(event.key));
  if (key === undefined) return false;
  event.preventDefault();
  key.act();
  return true;
}
