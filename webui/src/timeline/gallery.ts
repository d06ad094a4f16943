// Pictures shown large: all that the conversation has loaded, in order, with who sent them and when.
// Plain elements in a <dialog>, which keeps the focus and gives it back. Zoom by a button, keys, wheel,
// pinch and double tap, around where one points; drag, swipe, arrows; Esc or a swipe down closes.

import type { Message } from "../net/wire";
import { nameOf } from "../state/people";
import { ICONS } from "../parts/icons";
import type { Messenger } from "../parts/messenger";

interface Picture {
  url: string;
  caption: string;
  /** The caption as the body shows it, with its links. */
  drawn: Element | null;
  download: string;
  alt: string;
  backdrop: string;
  /** The message that it is in, where that is known. */
  message?: Message | undefined;
}

const MAX_ZOOM = 6;
// A long screenshot: its width, not the whole of it, is what a double tap shows.
const LONG_RATIO = 2.5;
const TAP_ZOOM = 2.5;
const SWIPE_PX = 60;
const CLOSE_PX = 110;
const DOUBLE_TAP_MS = 300;

export function openGallery(pressed: HTMLElement, { texts, times, store, route }: Messenger): void {
  const { pictures, at: first } = collect(pressed, route.conversation ? store.window(route.conversation).messages : []);
  let at = first;

  const dialog = document.createElement("dialog");
  dialog.className = "dm-gallery";
  dialog.setAttribute("aria-label", texts.t("picture"));
  const control = (kind: "button" | "a", name: string, icon: keyof typeof ICONS, label: string) => {
    const made = document.createElement(kind);
    made.className = `dm-gallery-${name}`;
    made.title = label;
    made.setAttribute("aria-label", label);
    made.innerHTML = `<svg viewBox="0 0 24 24" width="24" height="24" fill="none" stroke="currentColor" stroke-width="1.75" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true"><path d="${ICONS[icon]}"/></svg>`;
    return made;
  };
  const button = (name: string, icon: keyof typeof ICONS, label: string, go: () => void) => {
    const made = control("button", name, icon, label) as HTMLButtonElement;
    made.type = "button";
    made.onclick = go;
    return made;
  };
  const stage = document.createElement("div");
  stage.className = "dm-gallery-stage";
  const image = document.createElement("img");
  image.draggable = false;
  stage.append(image);
  const caption = document.createElement("p");
  caption.dir = "auto";
  caption.setAttribute("aria-live", "polite");
  const about = document.createElement("div");
  about.className = "dm-gallery-about";
  const sender = document.createElement("b");
  sender.dir = "auto";
  const sent = document.createElement("time");
  const counter = document.createElement("span");
  counter.className = "dm-gallery-counter";
  counter.setAttribute("role", "status");
  const save = control("a", "save", "download", texts.t("download")) as HTMLAnchorElement;
  const before = button("before", "left", texts.t("previous"), () => show(at - 1));
  const after = button("after", "right", texts.t("next"), () => show(at + 1));
  const close = button("close", "close", texts.t("close"), () => dialog.close());
  const zoomIn = button("zoom", "zoom", texts.t("zoom"), () => setZoom(zoom > 1 ? 1 : tapZoom()));
  about.append(sender, sent, counter);
  dialog.append(stage, about, zoomIn, save, close, before, after, caption);

  let zoom = 1;
  let x = 0;
  let y = 0;
  const place = () => {
    image.style.transform = zoom === 1 && !x && !y ? "" : `translate(${x}px, ${y}px) scale(${zoom})`;
    dialog.style.setProperty("--away", zoom === 1 && y > 0 ? String(Math.min(1, y / 400)) : "0");
  };
  /** Zoom so that what lies under the point stays there; no edge comes further in than it must. */
  const setZoom = (wanted: number, atX = innerWidth / 2, atY = innerHeight / 2) => {
    const before = zoom;
    // Up to each of its pixels, where it is so long that this is more.
    zoom = Math.min(Math.max(MAX_ZOOM, image.naturalWidth / (image.clientWidth || 1)), Math.max(1, wanted));
    const fromX = atX - innerWidth / 2;
    const fromY = atY - innerHeight / 2;
    x = fromX - ((fromX - x) * zoom) / before;
    y = fromY - ((fromY - y) * zoom) / before;
    hold();
    dialog.toggleAttribute("data-zoomed", zoom > 1);
    zoomIn.setAttribute("aria-pressed", String(zoom > 1));
    place();
  };
  const tapZoom = () => {
    const { naturalWidth, naturalHeight, clientWidth, clientHeight } = image;
    const long = Math.max(naturalWidth / naturalHeight, naturalHeight / naturalWidth) > LONG_RATIO;
    const fill = Math.max(innerWidth / clientWidth, innerHeight / clientHeight);
    return long ? Math.max(TAP_ZOOM, Math.min(fill, naturalWidth / clientWidth)) : TAP_ZOOM;
  };
  const hold = () => {
    const overX = Math.max(0, (image.clientWidth * zoom - innerWidth) / 2);
    const overY = Math.max(0, (image.clientHeight * zoom - innerHeight) / 2);
    x = Math.min(overX, Math.max(-overX, x));
    y = Math.min(overY, Math.max(-overY, y));
  };
  const show = (index: number) => {
    const picture = pictures[index];
    if (!picture) return;
    at = index;
    setZoom(1);
    image.src = picture.url;
    image.alt = picture.alt;
    image.dataset["backdrop"] = picture.backdrop;
    const drawn = [...(picture.drawn?.cloneNode(true).childNodes ?? [picture.caption])];
    const alt = picture.alt === picture.caption ? "" : picture.alt;
    caption.replaceChildren(...drawn, picture.caption && alt ? `\n${alt}` : alt);
    const { sender: by, sent_at_ms: atMs } = picture.message ?? {};
    sender.textContent = by ? nameOf(by, store.users, texts) : "";
    sent.textContent = atMs ? times.moment(atMs) : "";
    sent.title = atMs ? times.full(atMs) : "";
    counter.textContent = pictures.length > 1 ? `${at + 1} / ${pictures.length}` : "";
    save.href = picture.download || picture.url;
    save.setAttribute("download", "");
    const lost = document.activeElement;
    before.hidden = at === 0;
    after.hidden = at === pictures.length - 1;
    // A button that disappears must not take the arrow keys with it.
    if (lost instanceof HTMLElement && lost.hidden) close.focus();
    // The next one is there when it is wanted.
    for (const next of [pictures[at + 1], pictures[at - 1]]) if (next) new Image().src = next.url;
  };

  const fingers = new Map<number, { x: number; y: number }>();
  let spread = 0;
  let moved = 0;
  let tapped = { at: 0, x: 0, y: 0 };
  const between = () => {
    const [a, b] = [...fingers.values()];
    return a && b ? { length: Math.hypot(a.x - b.x, a.y - b.y), x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 } : null;
  };
  stage.onpointerdown = (event) => {
    if (event.button) return;
    stage.setPointerCapture(event.pointerId);
    if (!fingers.size) moved = 0;
    fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    spread = between()?.length ?? 0;
    dialog.setAttribute("data-held", "");
  };
  stage.onpointermove = (event) => {
    const last = fingers.get(event.pointerId);
    if (!last) return;
    const byX = event.clientX - last.x;
    const byY = event.clientY - last.y;
    moved += Math.abs(byX) + Math.abs(byY);
    fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    const two = between();
    if (two && spread) {
      setZoom((zoom * two.length) / spread, two.x, two.y);
      spread = two.length;
      return;
    }
    x += byX;
    y += byY;
    if (zoom > 1) hold();
    place();
  };
  stage.onpointerup = stage.onpointercancel = (event) => {
    if (!fingers.delete(event.pointerId)) return;
    spread = 0;
    if (fingers.size) return;
    dialog.removeAttribute("data-held");
    if (moved < 10 && event.type === "pointerup") return tap(event);
    if (zoom > 1) return;
    const [byX, byY] = [x, y];
    x = y = 0;
    place();
    if (byY > CLOSE_PX && byY > Math.abs(byX) && event.pointerType !== "mouse") dialog.close();
    else if (byX > SWIPE_PX) show(at - 1);
    else if (byX < -SWIPE_PX) show(at + 1);
  };
  const tap = (event: PointerEvent) => {
    const near = Math.hypot(event.clientX - tapped.x, event.clientY - tapped.y) < 30;
    if (near && event.timeStamp - tapped.at < DOUBLE_TAP_MS) {
      tapped = { at: 0, x: 0, y: 0 };
      setZoom(zoom > 1 ? 1 : tapZoom(), event.clientX, event.clientY);
      return;
    }
    tapped = { at: event.timeStamp, x: event.clientX, y: event.clientY };
    const box = image.getBoundingClientRect();
    const beside = event.clientX < box.left || event.clientX > box.right || event.clientY < box.top || event.clientY > box.bottom;
    if (beside) dialog.close();
  };
  dialog.addEventListener("wheel", (event) => {
    event.preventDefault();
    // A trackpad says little, often; a wheel much, seldom.
    setZoom(zoom * Math.exp(-Math.max(-60, Math.min(60, event.deltaY)) / 300), event.clientX, event.clientY);
  }, { passive: false });
  dialog.onkeydown = (event) => {
    if (event.key === "ArrowLeft") show(at - 1);
    else if (event.key === "ArrowRight") show(at + 1);
    else if (event.key === "Home") show(0);
    else if (event.key === "End") show(pictures.length - 1);
    else if (event.key === "+" || event.key === "=") setZoom(zoom * 1.4);
    else if (event.key === "-") setZoom(zoom / 1.4);
    else if (event.key === "0") setZoom(1);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  dialog.onclose = () => {
    closed();
    dialog.remove();
    pressed.focus({ preventScroll: true });
  };
  document.body.append(dialog);
  show(at);
  dialog.showModal();
  const closed = route.layers.add(() => dialog.close());
  close.focus({ preventScroll: true });
}

/** The pictures of all messages that are loaded, also of those that are not mounted now. */
function collect(pressed: HTMLElement, messages: readonly Message[]): { pictures: Picture[]; at: number } {
  const scope = pressed.closest(".dm-scroll");
  if (!scope) return { pictures: [read(pressed)], at: 0 };
  const mounted = new Map([...scope.querySelectorAll<HTMLElement>(".dm-row[data-id]")].map((row) => [row.dataset["id"], row]));
  const pictures: Picture[] = [];
  let at = 0;
  for (const message of messages) {
    const row = mounted.get(message.id);
    for (const element of row ? row.querySelectorAll<HTMLElement>("[data-gallery]") : unmounted(message)) {
      if (element === pressed) at = pictures.length;
      const picture = read(element, message);
      if (picture.url) pictures.push(picture);
    }
  }
  return pictures.length ? { pictures, at } : { pictures: [read(pressed)], at: 0 };
}

/** The pictures in a body that is not drawn; its markup stays inert. */
function unmounted({ view, deleted_at_ms: deleted }: Message): Iterable<HTMLElement> {
  if (deleted || !view || typeof view === "string" || !("html" in view) || !view.html.includes("data-gallery")) return [];
  const template = document.createElement("template");
  template.innerHTML = view.html;
  return template.content.querySelectorAll<HTMLElement>("[data-gallery]");
}

function read(element: HTMLElement, message?: Message): Picture {
  const { gallery, caption, download, backdrop } = element.dataset;
  const alt = element.getAttribute("alt") ?? element.querySelector("img")?.alt ?? "";
  const body = element.closest(".dm-body") ?? (element.getRootNode() as ParentNode);
  const drawn = caption ? body.querySelector("[data-caption-below]") : null;
  return { url: safe(gallery), caption: caption ?? "", drawn, download: safe(download), alt, backdrop: backdrop ?? "", message };
}

/** Only what this server has: a body must not make the browser ask elsewhere. */
function safe(url: string | undefined): string {
  return url?.startsWith("/blobs/") ? url : "";
}
