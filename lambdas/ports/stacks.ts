/** CloudFormation, as far as a change of a stack is asked about it. */
export interface Stacks {
  /** `UPDATE_IN_PROGRESS` and its like; `undefined` when there is no such stack. */
  status(name: string): Promise<string | undefined>;
}
