/** Is the clock of this machine right? AWS refuses what was signed at another time. */
import { span } from '../../../lambdas/domain/core/words.ts';
import { given } from './answer.ts';
import { ok, problem, warning } from './finding.ts';
import type { Check } from './subject.ts';

/** AWS tolerates five minutes; what a request takes on its way comes on top. */
const REFUSED_SECONDS = 240;
const NOTICED_SECONDS = 30;

export const checkClock: Check = ({ skewSeconds }) =>
  given('clock', 'AWS’s clock', [skewSeconds], (skew) => {
    const seconds = Math.abs(skew);
    const sentence = `the clock of this machine is ${span(seconds)} ${skew > 0 ? 'behind' : 'ahead of'} AWS’s`;
    const mend = ['sudo timedatectl set-ntp true'];
    if (seconds > REFUSED_SECONDS)
      return [problem('clock', `${sentence}: AWS refuses what it signs`, { mend })];
    return seconds > NOTICED_SECONDS
      ? [warning('clock', `${sentence}: AWS refuses requests from 5 min on`, { mend })]
      : [ok('clock', 'this machine’s clock agrees with AWS’s')];
  });
