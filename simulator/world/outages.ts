/** Outages of what only tells, beside Mackerel: the bucket of the records, SNS, EventBridge. */
import { DeploymentError } from '../../lambdas/domain/core/errors.ts';

const TELLERS = {
  records: { service: 'records', actions: undefined, name: 'S3', hangSeconds: 31 },
  sns: { service: 'announcer', actions: ['tellPeople'], name: 'SNS', hangSeconds: 10 },
  eventbridge: { service: 'announcer', actions: ['tellMachines'], name: 'EventBridge', hangSeconds: 10 },
} as const;

export type Teller = keyof typeof TELLERS;
export const TELLER_NAMES = Object.keys(TELLERS) as Teller[];

/** Read-only is the records' alone: who announces only writes. */
export const TELLER_OUTAGES = ['down', 'hangs', 'refuses', 'read-only'] as const;
export type TellerOutage = (typeof TELLER_OUTAGES)[number];

/** What a call meets: an error, after so many seconds of the adapter's tries. */
export interface Met {
  readonly error: DeploymentError;
  readonly seconds: number;
}

export class Outages {
  readonly #now: () => number;
  readonly #lasting = new Map<Teller, { readonly sort: TellerOutage; readonly until: number }>();

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Every call meets this from now on, for so many minutes. */
  suffer(teller: Teller, sort: TellerOutage, minutes: number): void {
    this.#lasting.set(teller, { sort, until: this.#now() + minutes * 60_000 });
  }

  recover(): void {
    this.#lasting.clear();
  }

  met(service: string, action: string): Met | undefined {
    const teller = tellerOf(service, action);
    const outage = teller && this.#lasting.get(teller);
    if (!teller || !outage || outage.until <= this.#now()) return undefined;
    const { name, hangSeconds } = TELLERS[teller];
    const { sort } = outage;
    if (sort === 'read-only' && action.startsWith('read')) return undefined;
    const isSilent = sort === 'down' || sort === 'hangs';
    const error = isSilent
      ? new DeploymentError('ServiceUnavailable', `${name} did not answer ${action}.`)
      : new DeploymentError('ServiceRefused', `${name} refused ${action}: AccessDenied.`);
    return { error, seconds: sort === 'hangs' ? hangSeconds : 0 };
  }
}

export const tellerOf = (service: string, action: string): Teller | undefined =>
  TELLER_NAMES.find((name) => {
    const { service: own, actions } = TELLERS[name];
    return own === service && (actions === undefined || (actions as readonly string[]).includes(action));
  });
