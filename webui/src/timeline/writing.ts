// Where somebody writes in a body's own text field when another revision of the message comes: Dash
// mounts that field again, and the focus and the caret have to find it.

// No longer than somebody may still want to go on; a slow device takes seconds to mount a field.
const WAIT_MS = 30_000;

/** The field, by the id that it has in the page, and what is selected in it. */
export interface Writing {
  id: string;
  field: Element;
  message: string;
  start: number | null;
  end: number | null;
}

/** Where the reader writes in this message's body; null where they do not. */
export function leftIn(message: string): Writing | null {
  const field = document.activeElement as HTMLInputElement | null;
  if (!field?.id || !field.matches("input, textarea")) return null;
  if (!field.closest(`${rowOf(message)} .dm-body`)) return null;
  return { id: field.id, field, message, start: field.selectionStart, end: field.selectionEnd };
}

/** Let the reader go on in that field as soon as it is there again, unless they went elsewhere. */
export function giveBack({ id, field: before, message, start, end }: Writing): void {
  const row = document.querySelector(rowOf(message));
  if (!row) return;
  const look = () => {
    const field = document.getElementById(id) as HTMLInputElement | null;
    if (!field || field === before || !row.contains(field)) return;
    stop();
    if (document.activeElement !== document.body) return;
    field.focus({ preventScroll: true });
    if (start !== null) field.setSelectionRange(start, end);
  };
  const watch = new MutationObserver(look);
  const timer = setTimeout(() => stop(), WAIT_MS);
  const stop = () => {
    watch.disconnect();
    clearTimeout(timer);
  };
  watch.observe(row, { childList: true, subtree: true });
  look();
}

function rowOf(message: string): string {
  return `.dm-row[data-id="${CSS.escape(message)}"]`;
}
