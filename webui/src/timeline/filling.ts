// Fills in what bodies leave to the reader's own client: people's names, live, and times in the
// reader's language and zone. A body is drawn once for everybody; only the browser knows who looks.

import type { Texts } from "../i18n/texts";
import type { Times } from "../i18n/time";
import type { Directory } from "../state/directory";
import { nameOf } from "../state/people";
import type { Store } from "../state/store";

const LEFT_OPEN = ".dm-body [data-person], .dm-body [data-moment]";
const ATTRIBUTES = ["data-person", "data-moment", "data-show"];

interface Parts {
  store: Store;
  directory: Pick<Directory, "learn">;
  texts: Texts;
  times: Times;
}

/** Fill in bodies wherever in the page they are, before they are painted. */
export function fillBodies(parts: Parts): void {
  const fill = (element: Element) => {
    const text = wordsFor((element as HTMLElement).dataset, parts);
    if (element.textContent !== text) element.textContent = text;
  };
  const fillAll = (root: Element | Document) => {
    for (const element of root.querySelectorAll(LEFT_OPEN)) fill(element);
  };
  new MutationObserver((records) => {
    for (const { type, target, addedNodes } of records) {
      if (type === "attributes") {
        if ((target as Element).matches(LEFT_OPEN)) fill(target as Element);
      } else {
        for (const node of addedNodes) {
          if (!(node instanceof Element)) continue;
          if (node.matches(LEFT_OPEN)) fill(node);
          else fillAll(node);
        }
      }
    }
  }).observe(document.body, { childList: true, subtree: true, attributeFilter: ATTRIBUTES });
  parts.store.topics.subscribe("users", () => fillAll(document));
  fillAll(document);
}

/** What stands in an element that names a person or a moment. */
export function wordsFor({ person, moment, show }: DOMStringMap, parts: Parts): string {
  return person !== undefined ? personOf(person, parts) : parts.times.moment(Number(moment), show);
}

function personOf(id: string, { store, directory, texts }: Parts): string {
  if (!store.users[id]) directory.learn(id);
  return nameOf(id, store.users, texts);
}
