/** What holds for every test file of `npm test`. */
import { afterAll, describe, it } from 'vitest';
import { VirtualClock } from '../simulator/virtual-clock.ts';

/** Real time again, whatever the file left behind: all files of a worker share one process. */
afterAll(() => VirtualClock.uninstallAny());

/** `each` of an empty list makes no test, without a word: a list that was filtered may become empty by mistake. */
function refuseEmptyLists(api: Pick<typeof it | typeof describe, 'each'>): void {
  const each = api.each as (this: unknown, cases: unknown, ...rest: readonly unknown[]) => unknown;
  if (guarded.has(each)) return;
  const guard = function (this: unknown, cases: unknown, ...rest: readonly unknown[]) {
    if (Array.isArray(cases) && cases.length === 0) throw new Error('each: the list of cases is empty');
    return each.call(this, cases, ...rest);
  };
  guarded.add(guard);
  Object.assign(api, { each: guard });
}

// This file runs anew for each test file, vitest's functions stay.
const store = globalThis as { guardedEach?: WeakSet<object> };
store.guardedEach ??= new WeakSet();
const guarded = store.guardedEach;

// The library that reads JSONPath makes an error for each path: with Vitest's hundred lines, a fortieth of all the time.
Error.stackTraceLimit = 10;

refuseEmptyLists(it);
refuseEmptyLists(describe);
