/** A step's log. */

/** One structured line each, under the fleet, the deployment and the step. Never fails. */
export interface Log {
  info(sentence: string, fields?: Readonly<Record<string, unknown>>): void;
  warn(sentence: string, fields?: Readonly<Record<string, unknown>>): void;
}
