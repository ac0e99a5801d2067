/** What a service refused of a list, and why: one bad id keeps no other from being acted on. */
export interface Refusal {
  readonly id: string;
  readonly reason: string;
}
