// As much of Node as the tests use; all of its types would be one more dependency.
declare module "node:test" {
  interface Mock {
    timers: { enable(options: { apis: string[]; now?: number }): void; tick(ms: number): void; reset(): void };
  }
  export const mock: Mock;
  export function test(name: string, body: () => void | Promise<void>): void;
  export function beforeEach(body: () => void): void;
  export function afterEach(body: () => void): void;
}

declare const process: { env: Record<string, string | undefined> };

declare module "node:assert/strict" {
  interface Assert {
    (value: unknown, message?: string): asserts value;
    equal(actual: unknown, expected: unknown): void;
    notEqual(actual: unknown, expected: unknown): void;
    deepEqual(actual: unknown, expected: unknown): void;
  }
  const assert: Assert;
  export default assert;
}
