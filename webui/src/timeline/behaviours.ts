// What bodies may ask for by data attributes: a picture shown large, text copied, a spoiler shown. And
// what stands for a person beside them: it shows their card. And the buttons that open the dialogs about people.

import { copyText } from "../parts/clipboard";
import type { Messenger } from "../parts/messenger";
import { openGallery } from "./gallery";

const COPIED_MS = 1_500;

/** Act on presses inside bodies, wherever in the page they are. */
export function enableBehaviours(app: Messenger): void {
  document.addEventListener("click", (event) => press(event.target as Element, event, app));
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" && event.key !== " ") return;
    const target = event.target as Element;
    if (target.matches(".dm-body [data-reveal], .dm-body [data-gallery]:not(button, a)")) press(target, event, app);
  });
}

function press(target: Element, event: Event, app: Messenger): void {
  const person = target.closest?.<HTMLElement>("[data-user]");
  // Markup in a body may say anything.
  if (person && !person.closest(".dm-body")) return app.showPerson(person.dataset["user"] ?? null);
  if (target.closest?.("[data-privacy]")) return app.showPeople({ kind: "privacy" });
  const conversation = app.route.conversation;
  if (conversation && target.closest?.("[data-add-people]")) return app.showPeople({ kind: "add", conversation });
  if (conversation && target.closest?.("[data-invites]")) return app.showPeople({ kind: "invites", conversation });
  const body = target.closest?.(".dm-body");
  if (!body) return;
  const spoiler = target.closest<HTMLElement>("[data-reveal]:not([data-revealed])");
  const picture = target.closest<HTMLElement>("[data-gallery]");
  const copy = target.closest<HTMLElement>("[data-copy]");
  if (spoiler) {
    spoiler.setAttribute("data-revealed", "");
    spoiler.removeAttribute("role");
    spoiler.removeAttribute("aria-label");
  } else if (picture) {
    openGallery(picture, app);
  } else if (copy) {
    const source = (copy.closest("[data-copy-from]") ?? copy.parentElement)?.querySelector("pre") ?? copy.closest("[data-copy-from]");
    void copyText(source?.textContent ?? "").then(() => say(copy, app.texts.t("copied")));
  } else {
    return;
  }
  event.preventDefault();
}

function say(element: HTMLElement, words: string): void {
  const before = element.textContent;
  element.textContent = words;
  setTimeout(() => (element.textContent = before), COPIED_MS);
}
