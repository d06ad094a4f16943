import * as React from "react";
import type { ReactElement } from "react";

/** Safe markup, drawn as in a message's bubble: for pages and settings of plugins. */
export interface MarkupProps {
  /** The component's id. */
  id?: string;
  /** The markup; whoever made it has escaped or sanitised what people wrote. */
  html?: string;
  setProps?(props: Partial<MarkupProps>): void;
}

export function Markup({ html = "" }: MarkupProps): ReactElement {
  return <div className="dm-body dm-plain" dir="auto" dangerouslySetInnerHTML={{ __html: html }} />;
}
