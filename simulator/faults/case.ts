/** A case of the campaign: a kind of deployment, a seed, and the faults, each at its moment. Its name replays it. */
import { FAULTS, type FaultName, isOutage } from './catalogue.ts';
import { KINDS, type KindName } from './kinds.ts';

/** A moment of a deployment: the n-th time that a state makes a call, is entered or is left. */
export interface Moment {
  readonly machine: 'deploy' | 'clean-up';
  readonly state: string;
  /** `entering`, `leaving`, or a call: `ec2.describe`. */
  readonly what: string;
  /** From 1. */
  readonly nth: number;
}

export interface Injury {
  readonly moment: Moment;
  readonly fault: FaultName;
}

export interface Case {
  readonly kind: KindName;
  readonly seed: number;
  readonly injuries: readonly Injury[];
}

/** `Launch new instances / ec2.launch #1`; a state of the clean-up has `clean-up:` before it. */
export const momentName = ({ machine, state, what, nth }: Moment): string =>
  `${machine === 'clean-up' ? 'clean-up: ' : ''}${state} / ${what} #${nth}`;

/** `app@7: Launch new instances / ec2.launch #1 = late + …` */
export function caseName({ kind, seed, injuries }: Case): string {
  const faults = injuries.map(({ moment, fault }) => `${momentName(moment)} = ${fault}`);
  return `${kind}@${seed}: ${faults.join(' + ')}`;
}

/** @throws Error with what could not be read. */
export function parseCase(text: string): Case {
  const found = /^([\w-]+)@(\d+): ?(.*)$/.exec(text.trim());
  const [, kind = '', seed = '', rest = ''] = found ?? [];
  if (!(kind in KINDS))
    throw new Error(`Not a case: ${text}. A case looks like "app@7: STATE / CALL #1 = FAULT".`);
  const injuries = rest === '' ? [] : rest.split(' + ').map(parseInjury);
  return { kind: kind as KindName, seed: Number(seed), injuries };
}

function parseInjury(text: string): Injury {
  const found = /^(clean-up: )?(.+) \/ (\S+) #(\d+) = (\S+)$/.exec(text.trim());
  const [, cleanUp, state = '', what = '', nth = '', fault = ''] = found ?? [];
  if (!(fault in FAULTS || isOutage(fault))) throw new Error(`Not a fault at a moment: ${text}`);
  const machine = cleanUp ? 'clean-up' : 'deploy';
  return { moment: { machine, state, what, nth: Number(nth) }, fault: fault as FaultName };
}
