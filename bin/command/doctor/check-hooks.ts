/** Are the functions there that the fleet's hooks are? That its state machine may call them, the stack has seen to. */
import { hookName, LONGEST_CALL_SECONDS, POINT } from '../../../lambdas/domain/core/points.ts';
import { type Check, check } from './check.ts';
import type { Finding } from './finding.ts';
import { inFleetsFile } from './mending.ts';

const hooks = check('hooks');

export const checkHooks: Check = (facts, { fleet }) => {
  if (fleet.hooks.length === 0) return [];
  return hooks.given('the hooks', [facts.hooks], (found) =>
    fleet.hooks.map((hook, index): Finding => {
      const what = `the hook ${hookName(hook)} ${POINT[hook.at].words}`;
      const there = found[index];
      if (there === undefined)
        return hooks.problem(
          `${what} is no function of this account and Region: ${hook.function}`,
          inFleetsFile(fleet.name, `correct hooks.${index}.function`),
          'HookFailed',
        );
      if (there.state === 'Failed')
        return hooks.problem(
          `${what} is in the state Failed, and cannot be called`,
          'Deploy the function again.',
          'HookFailed',
        );
      const most = Math.min(LONGEST_CALL_SECONDS, hook.timeoutMinutes * 60);
      if (there.timeoutSeconds > most)
        return hooks.warning(
          `${what} may run for ${there.timeoutSeconds} s, and is given up after ${most} s`,
          inFleetsFile(
            fleet.name,
            `raise hooks.${index}.timeoutMinutes, or lower the function’s own time-out`,
          ),
        );
      return hooks.ok(`${what} is there`);
    }),
  );
};
