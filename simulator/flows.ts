/** What is worth watching beyond one deployment: several executions, one after the other, on one world. */
export interface Flow {
  /** One sentence for the audience. */
  readonly tells: string;
  /** Of which kind its one fleet is; absent: a promotion, which has two and more. */
  readonly kind?: 'app';
}

export const FLOWS = {
  promote: {
    tells:
      'A release on its way: deployed on staging, promoted, deployed in production, and then on the fleets that follow.',
  },
  abort: {
    tells: 'Somebody presses *Stop execution* while the traffic is shifted: put back from outside.',
    kind: 'app',
  },
  'two-uploads': {
    tells: 'A newer upload while another one is being deployed: it waits, and is what runs in the end.',
    kind: 'app',
  },
} as const satisfies Record<string, Flow>;

export type FlowName = keyof typeof FLOWS;
export const FLOW_NAMES = Object.keys(FLOWS) as FlowName[];
export const isFlow = (name: string): name is FlowName => Object.hasOwn(FLOWS, name);
