/** The page of a real deployment on the modelled world: the second one of a fleet, undone because of an alert. */

import { TAG } from '../lambdas/domain/core/fleet.ts';
import { timelineKey } from '../lambdas/domain/core/names.ts';
import type { TemplateJson } from '../lib/synthesize.ts';
import { Stage } from '../simulator/stage.ts';

const DEPLOYMENT = 'release-1235';

/** @throws Error when the deployment is not rolled back. */
export async function sampleTimeline(template: TemplateJson, fleet: string): Promise<string> {
  const stage = new Stage({ template, fleet, seed: 7 });
  try {
    stage.upload();
    await stage.deploy({ startedBy: 'CI' }, 'release-1234');
    stage.whenEntering('Watch the new hosts', () => {
      const { instances } = stage.world.view();
      const host = instances.find(({ tags }) => tags[TAG.deployment] === DEPLOYMENT)?.hosts[0];
      stage.world.mackerel.openAlert({
        hostId: host?.id ?? '',
        status: 'CRITICAL',
        message: '5xx above 5 %',
      });
    });
    stage.upload();
    const input = { startedBy: 'CI', reason: 'release 1235' };
    const { error } = await stage.deploy(input, DEPLOYMENT);
    const page = stage.world.s3.text(stage.fleet.artifact.bucket, timelineKey(fleet, DEPLOYMENT));
    if (error !== 'RolledBack' || page === undefined) throw new Error(`The sample ended in ${error}.`);
    return page;
  } finally {
    stage.close();
  }
}
