/** The command's door to `lambdas/domain/nearest.ts`, which the fleets file uses too. */
export { nearest } from '../../lambdas/domain/nearest.ts';
