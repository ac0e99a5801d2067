/** What is worth watching beyond one deployment: several executions, one after the other, on one world. */
export interface Flow {
  /** One sentence for the audience. */
  readonly tells: string;
  /** The kind of its one fleet; absent: a promotion, which has two or more. */
  readonly kind?: 'app';
}

export const FLOWS = {
  promote: {
    tells:
      'A release from CI to production: deployed on staging, promoted, deployed in production, and then on the fleets that follow.',
  },
  abort: {
    tells: 'Someone presses *Stop execution* while traffic is shifted: the clean-up undoes the deployment.',
    kind: 'app',
  },
  'two-uploads': {
    tells: 'A newer upload arrives during a deployment: it waits, and is what runs in the end.',
    kind: 'app',
  },
} as const satisfies Record<string, Flow>;

export type FlowName = keyof typeof FLOWS;
export const FLOW_NAMES = Object.keys(FLOWS) as FlowName[];
export const isFlow = (name: string): name is FlowName => Object.hasOwn(FLOWS, name);
