/** What is worth watching beyond one deployment: several fleets, one after the other, on one world. */
export interface Flow {
  /** One sentence for the audience. */
  readonly tells: string;
}

export const FLOWS = {
  promote: {
    tells:
      'A release on its way: deployed on staging, promoted, deployed in production, and then on the fleets that follow.',
  },
} as const satisfies Record<string, Flow>;

export type FlowName = keyof typeof FLOWS;
export const FLOW_NAMES = Object.keys(FLOWS) as FlowName[];
export const isFlow = (name: string): name is FlowName => Object.hasOwn(FLOWS, name);
