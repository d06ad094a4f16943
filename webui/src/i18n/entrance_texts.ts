// The words of the pages that need no session: like ENGLISH in texts.ts, but in their script, which
// learns them when it is loaded.

import type { Catalogue } from "./texts";

export const ENTRANCE = {
  step_title: "One more step",
  step_asks: "“{step}” asks for this before you are in:",
  step_impossible: "“{step}” asks for something that this page does not know. Please ask the administrator.",
  step_continue: "Continue",
} satisfies Catalogue;
