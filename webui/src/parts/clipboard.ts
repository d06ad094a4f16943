// Text on the clipboard, also where the page came without TLS.

export async function copyText(text: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Without TLS there is no clipboard: the old way. Beside an open dialog nothing can be selected.
    const area = document.createElement("textarea");
    area.value = text;
    ([...document.querySelectorAll("dialog:modal")].at(-1) ?? document.body).append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
}
