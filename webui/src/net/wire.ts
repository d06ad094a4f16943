// What the server says, as it says it: by its structs, and here what they leave open.

import type { Name, SyncResult } from "./wire.generated";

export type * from "./wire.generated";

/** What a refusal says beside its key. */
export type Params = Record<string, string | number>;

/** A Dash component as JSON. */
export interface ComponentJson {
  namespace: string;
  type: string;
  props: Record<string, unknown>;
}

export type View = string | { html: string; bare?: boolean; edge?: boolean } | ComponentJson;

export type Users = Record<string, Name>;

/** What every member may do, by the conversation's kind. */
export type DefaultRights = SyncResult["rights"];

/** A refusal or an error of the server. */
export class Refusal extends Error {
  readonly code: number;
  readonly key: string;
  readonly retryable: boolean;
  readonly params: Params;

  constructor(code: number, key: string, message: string, retryable: boolean, params: Params) {
    super(message);
    this.code = code;
    this.key = key;
    this.retryable = retryable;
    this.params = params;
  }

  /** How long the server asks to wait before the same is asked again; 0 where it does not say. */
  get retryAfterMs(): number {
    const seconds = Number(this.params["retry_after_s"]);
    return seconds > 0 ? seconds * 1_000 : 0;
  }
}

/** No connection, or no answer in time: nobody knows whether it was done. */
export class NoAnswer extends Error {}
