/** What the package offers to a CDK app, and to a fleets file in TypeScript. */
export type { FleetsFile } from '../lib/fleet-config.ts';
export { type FleetsFileContent, type FleetsPlace, loadFleets } from '../lib/fleets-file.ts';
export {
  IrekaeEnvironments,
  type IrekaeEnvironmentsProps,
  irekaeApp,
} from '../lib/irekae-environments.ts';
export { FleetsFileError } from '../lib/read-fleets.ts';
export type { EnvironmentStacks } from '../lib/synthesize.ts';
