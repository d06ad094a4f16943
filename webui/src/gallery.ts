// Pictures shown large: all that the conversation has loaded, in order. Plain elements in a <dialog>,
// which keeps the focus and gives it back. Zoom by wheel, pinch and double tap; swipe, arrows, Esc.

import type { Texts } from "./texts";

interface Picture {
  url: string;
  caption: string;
  download: string;
  alt: string;
}

const MAX_ZOOM = 6;
const SWIPE_PX = 60;

export function openGallery(pressed: HTMLElement, texts: Texts): void {
  const scope = pressed.closest(".dm-scroll") ?? document;
  const elements = [...scope.querySelectorAll<HTMLElement>("[data-gallery]")];
  const pictures = elements.map(read);
  let at = Math.max(0, elements.indexOf(pressed));

  const dialog = document.createElement("dialog");
  dialog.className = "dm-gallery";
  dialog.setAttribute("aria-label", texts.t("picture"));
  const button = (name: string, sign: string, label: string, go: () => void) => {
    const made = document.createElement("button");
    made.type = "button";
    made.className = `dm-gallery-${name}`;
    made.textContent = sign;
    made.title = label;
    made.setAttribute("aria-label", label);
    made.onclick = go;
    return made;
  };
  const image = document.createElement("img");
  image.draggable = false;
  const caption = document.createElement("p");
  const save = document.createElement("a");
  save.className = "dm-gallery-save";
  save.textContent = texts.t("download");
  const before = button("before", "‹", texts.t("previous"), () => show(at - 1));
  const after = button("after", "›", texts.t("next"), () => show(at + 1));
  dialog.append(image, before, after, button("close", "×", texts.t("close"), () => dialog.close()), caption, save);

  let zoom = 1;
  let x = 0;
  let y = 0;
  const place = () => (image.style.transform = zoom === 1 && !x ? "" : `translate(${x}px, ${y}px) scale(${zoom})`);
  const setZoom = (wanted: number) => {
    zoom = Math.min(MAX_ZOOM, Math.max(1, wanted));
    if (zoom === 1) x = y = 0;
    dialog.toggleAttribute("data-zoomed", zoom > 1);
    place();
  };
  const show = (index: number) => {
    if (index < 0 || index >= pictures.length) return;
    at = index;
    const picture = pictures[at]!;
    setZoom(1);
    image.src = picture.url;
    image.alt = picture.alt;
    caption.textContent = picture.caption;
    save.href = picture.download || picture.url;
    save.setAttribute("download", "");
    before.hidden = at === 0;
    after.hidden = at === pictures.length - 1;
  };

  const fingers = new Map<number, { x: number; y: number }>();
  let spread = 0;
  let begin = { x: 0, y: 0 };
  const distance = () => {
    const [a, b] = [...fingers.values()];
    return a && b ? Math.hypot(a.x - b.x, a.y - b.y) : 0;
  };
  image.onpointerdown = (event) => {
    image.setPointerCapture(event.pointerId);
    fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    begin = { x: event.clientX - x, y: event.clientY - y };
    spread = distance();
  };
  image.onpointermove = (event) => {
    if (!fingers.has(event.pointerId)) return;
    fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    if (fingers.size === 2 && spread) {
      setZoom((zoom * distance()) / spread);
      spread = distance();
    } else {
      x = event.clientX - begin.x;
      y = zoom > 1 ? event.clientY - begin.y : 0;
      place();
    }
  };
  image.onpointerup = image.onpointercancel = (event) => {
    fingers.delete(event.pointerId);
    if (zoom > 1 || fingers.size) return;
    const moved = x;
    x = y = 0;
    place();
    if (moved > SWIPE_PX) show(at - 1);
    else if (moved < -SWIPE_PX) show(at + 1);
  };
  image.ondblclick = () => setZoom(zoom > 1 ? 1 : 2.5);
  dialog.addEventListener("wheel", (event) => {
    event.preventDefault();
    setZoom(zoom * (event.deltaY < 0 ? 1.2 : 1 / 1.2));
  }, { passive: false });
  dialog.onkeydown = (event) => {
    if (event.key === "ArrowLeft") show(at - 1);
    else if (event.key === "ArrowRight") show(at + 1);
    else if (event.key === "+") setZoom(zoom * 1.4);
    else if (event.key === "-") setZoom(zoom / 1.4);
    else return;
    event.stopPropagation();
  };
  dialog.onclick = (event) => event.target === dialog && dialog.close();
  dialog.onclose = () => {
    dialog.remove();
    pressed.focus({ preventScroll: true });
  };
  document.body.append(dialog);
  show(at);
  dialog.showModal();
}

function read(element: HTMLElement): Picture {
  const { gallery, caption, download } = element.dataset;
  const alt = element.getAttribute("alt") ?? element.querySelector("img")?.alt ?? "";
  return { url: safe(gallery), caption: caption ?? "", download: safe(download), alt };
}

/** Only what this server has: a body must not make the browser ask elsewhere. */
function safe(url: string | undefined): string {
  return url?.startsWith("/blobs/") ? url : "";
}
