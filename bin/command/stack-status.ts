/** What CloudFormation's word for a stack means. */

/** `UPDATE_IN_PROGRESS`: neither to be changed nor deleted until that is over. */
export const isBeingChanged = (status: string): boolean => status.endsWith('_IN_PROGRESS');
