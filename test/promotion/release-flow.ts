/** The example's release flow on one modelled world: staging's application, production's application and its worker. */

import type { ExecutionResult, Running } from '../../simulator/run-definition.ts';
import { Stage } from '../../simulator/stage.ts';
import { startOnUploads } from '../../simulator/uploads.ts';
import { synthesize } from '../synth.ts';

export interface ReleaseFlow {
  readonly staging: Stage;
  readonly app: Stage;
  readonly worker: Stage;
  /** Deploys a new tarball on staging; answers its version. */
  stagingDeploys(content?: string): Promise<string>;
  /** Plays the promotion to its end. */
  promote(input?: unknown): Promise<ExecutionResult>;
  /** Lets time pass until nothing runs anymore, on any stage. */
  settle(): Promise<void>;
  close(): void;
}

export function releaseFlow(seed = 11): ReleaseFlow {
  const template = { staging: synthesize('staging'), production: synthesize('production') };
  const staging = new Stage({ template: template.staging, fleet: 'reactio-staging-app', seed });
  const beside = (fleet: string) =>
    new Stage({ template: template.production, fleet, seed, beside: staging });
  const app = beside('reactio-production-app');
  const worker = beside('reactio-production-worker');
  const stages = [staging, app, worker];
  startOnUploads(app, template.production);
  startOnUploads(worker, template.production);
  const { clock } = staging;
  const running = (): Running[] => stages.flatMap(({ executions }) => executions);
  return {
    staging,
    app,
    worker,
    stagingDeploys: async (content) => {
      const versionId = staging.upload(content);
      const { endedIn, cause } = await staging.deploy({ versionId });
      if (endedIn !== 'Deployed') throw new Error(`staging ended in ${endedIn}: ${cause}`);
      return versionId;
    },
    promote: (input = {}) => clock.until(app.promote(input).result),
    settle: async () => {
      for (let seen = -1; seen !== running().length; ) {
        seen = running().length;
        await clock.until(Promise.all(running().map(({ result }) => result)));
        await app.wait(5);
      }
    },
    close: () => {
      for (const stage of stages) stage.close();
    },
  };
}
