import { describe, expect, it } from 'vitest';
import { followUps, owedSince } from '../../lambdas/domain/lock/following.ts';
import { startTheFollowers } from '../../lambdas/start-the-followers.ts';
import { aLook, at, baked, failedBy, iso } from '../support/deployments.ts';
import { failure } from '../support/failures.ts';
import { aFleet } from '../support/fleets.ts';
import { failing, type Methods, portsWith } from '../support/ports.ts';

const BEGUN = aLook({ since: iso(140), memory: { begun: 1 } });
const removing = (changes = {}) =>
  baked({ fleet: aFleet({ followers: ['mail', 'batch'] }), termination: BEGUN, ...changes });

function follow(executions: NonNullable<Methods['executions']>, document = removing()) {
  const ports = portsWith({ executions });
  return { ports, answer: startTheFollowers.run(document, ports) };
}

describe('Start the followers', () => {
  it('starts each with the version that is on its way, and says who follows', async () => {
    const { answer, ports } = follow({ start: async () => 'an execution' });
    expect(await answer).toEqual({ reason: 'mail and batch follow' });
    expect(ports.calls).toEqual([
      expect.stringMatching(/^executions\.start "\S+:irekae-mail" "after-\S+" ".*versionId.*v2/),
      expect.stringMatching(/^executions\.start "\S+:irekae-batch" "after-\S+" ".*versionId.*v2/),
    ]);
  });

  it('starts the others when one cannot be, and fails: the release of the lock makes up for it', async () => {
    const start = async (machine: string) =>
      machine.endsWith('mail') ? failing('ServiceUnavailable')() : 'an execution';
    const { answer, ports } = follow({ start });
    await expect(answer).rejects.toThrow(failure('ServiceUnavailable'));
    expect(ports.calls).toHaveLength(2);
  });

  it.each([
    ['no old host was terminated yet', removing({ termination: aLook() })],
    ['it is undone', removing({ failure: failedBy('ReadinessLost') })],
    ['the artifact stays', removing({ input: { redeploy: true } })],
  ])('starts nobody when %s', async (_title, document) => {
    expect(followUps(document)).toEqual([]);
    expect(await follow({}, document).answer).toEqual({ reason: 'nobody follows' });
  });

  it('knows those that it has started again when the lock is released', () =>
    expect(owedSince(removing({ record: { outcome: 'Deployed', finishedAt: iso(300) } }))).toEqual(at(139)));
});
