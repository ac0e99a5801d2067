/** Is the clock of this machine right? AWS rejects what was signed at another time. */
import { span } from '../../../lambdas/domain/core/words.ts';
import { type Check, check } from './check.ts';

/** AWS tolerates five minutes; the request's time on its way is added. */
const REFUSED_SECONDS = 240;
const NOTICED_SECONDS = 30;

const clock = check('clock');

export const checkClock: Check = ({ skewSeconds }) =>
  clock.given('AWS’s clock', [skewSeconds], (skew) => {
    const seconds = Math.abs(skew);
    const sentence = `the clock of this machine is ${span(seconds)} ${skew > 0 ? 'behind' : 'ahead of'} AWS’s`;
    const mend = 'sudo timedatectl set-ntp true';
    if (seconds > REFUSED_SECONDS) return clock.problem(`${sentence}: AWS rejects what it signs`, mend);
    return seconds > NOTICED_SECONDS
      ? clock.warning(`${sentence}: AWS rejects requests from 5 min on`, mend)
      : clock.ok('this machine’s clock agrees with AWS’s');
  });
