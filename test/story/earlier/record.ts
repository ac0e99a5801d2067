/**
 * Records what deployments of this release write into the ledger when they enter a phase: `npx tsx
 * test/story/earlier/record.ts > test/story/earlier/VERSION.json`, once before a version is released. A later release
 * must be able to clean up after each of them.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { faultsTemplate, KINDS, type Kind, type KindName } from '../../../simulator/faults/kinds.ts';
import { Stage } from '../../../simulator/stage.ts';

export interface EarlierDocument {
  /** Of the version, the kind of deployment and the phase. */
  readonly kind: string;
  readonly phase: string;
  readonly document: object;
}

/** Those that go well, and one that is undone because its new hosts do not become ready. */
async function recorded(kind: KindName, isUndone: boolean): Promise<EarlierDocument[]> {
  const { fleet, arrange, oldPerZone, input = {} }: Kind = KINDS[kind];
  const stage = new Stage({
    template: faultsTemplate(),
    fleet,
    seed: 1,
    ...(oldPerZone !== undefined && { oldPerZone }),
  });
  const found: EarlierDocument[] = [];
  stage.around = (_, act) =>
    act(
      stage.portsThrough(({ service, action, args }, proceed) => {
        const [, , phase, document] = args as [unknown, unknown, string, string];
        if (service === 'ledger' && action === 'enter')
          found.push({ kind, phase, document: JSON.parse(document) });
        return proceed();
      }),
    );
  if (isUndone)
    stage.whenEntering('New hosts are ready', () => {
      for (const { instanceId, tags } of stage.world.view().instances)
        if ('irekae:deployment' in tags) stage.world.ec2.kill(instanceId, 'Server.InternalError');
    });
  stage.upload();
  arrange?.(stage);
  await stage.deploy(input, 'recorded');
  stage.close();
  return found;
}

if (process.argv[1] === import.meta.filename) {
  const all: EarlierDocument[] = [];
  for (const kind of ['app', 'worker'] as KindName[])
    for (const isUndone of [false, true]) all.push(...(await recorded(kind, isUndone)));
  const byPhase = new Map(all.map((each) => [`${each.kind} ${each.phase}`, each]));
  const { version } = JSON.parse(readFileSync(join(import.meta.dirname, '../../../package.json'), 'utf8'));
  process.stdout.write(`${JSON.stringify({ version, documents: [...byPhase.values()] }, null, 1)}\n`);
}
