/** Who takes part. */
import type { TemplateJson } from '../../lib/synthesize.ts';
import { exampleEntry, templateOf } from '../example-fleet.ts';
import { codeDeploy } from './peers/codedeploy.ts';
import { inPlace } from './peers/in-place.ts';
import { refreshByDefault, refreshFastest } from './peers/instance-refresh.ts';
import { riffRaff } from './peers/riff-raff.ts';
import { script2015 } from './peers/script-2015.ts';
import { type Contender, FLEET } from './play.ts';

export const PEERS = [script2015, riffRaff, codeDeploy, refreshByDefault, refreshFastest, inPlace] as const;
export const CONTENDERS: readonly Contender[] = ['irekae', ...PEERS];

export const nameOf = (contender: Contender): string => (contender === 'irekae' ? 'irekae' : contender.name);

/** Two zones behind a classic ELB; the scene says how many hosts. */
export const raceTemplate = (): TemplateJson =>
  templateOf('race', [
    exampleEntry('race', FLEET, { loadBalancers: [{ kind: 'classic', name: 'reactio-production' }] }),
  ]);
