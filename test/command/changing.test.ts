/** A fleet that is closed because a `cdk deploy` takes permissions from it: no deployment runs, and every command says so. */
import { beforeEach, describe, expect, it } from 'vitest';
import { Desk, FLEET, type Visit } from './desk.ts';

let desk: Desk;
beforeEach(() => {
  desk = new Desk();
  desk.close();
  desk.pass(240);
});

const WHAT =
  'no deployment starts: `cdk deploy` takes permissions from the fleet, since 2026-11-22 03:00:00 UTC, 4 min ago.';
const HOW = [
  'It opens when the fleet’s own stack is deployed, or by itself in 56 min. If nobody is deploying that one:',
  `  npx cdk deploy irekae-production-fleet-${FLEET}`,
  'or, with the permissions as they are:',
  `  npx --no -- irekae unlock ${FLEET}`,
];
const inspector = { stackStatus: async () => 'UPDATE_COMPLETE' } as unknown as NonNullable<
  Visit['ports']
>['inspector'];

describe('A fleet whose permissions change', () => {
  it.each<[string, number]>([
    ['watch', 0],
    ['cancel', 1],
    ['remove', 1],
  ])('%s says what it is, and how it ends', async (command, exitCode) => {
    const said = await desk.run(`${command} ${FLEET} --yes`.replace(/(watch|cancel)(.*) --yes/, '$1$2'), {
      ports: inspector ? { inspector } : {},
    });
    expect(said.exitCode).toBe(exitCode);
    const all = [said.out, said.err].join('\n');
    expect(all).toContain([`No deployment of ${FLEET} is running, and ${WHAT}`, ...HOW].join('\n'));
    expect(all).not.toMatch(/cdk-deploy-|phase/);
    expect(desk.held()?.cancel).toBeUndefined();
  });

  it('status says it', async () => {
    const { out, exitCode } = await desk.run(`status ${FLEET}`);
    expect(exitCode).toBe(0);
    expect(out).toContain([`Closed: ${WHAT}`, ...HOW.map((line) => `  ${line}`)].join('\n'));
    expect(out).not.toMatch(/Deploying now|cdk-deploy-/);
    expect(JSON.parse((await desk.run(`status ${FLEET} --json`)).out)).toMatchObject({ outcome: 'closed' });
  });

  it('says the same after its time, as long as no clean-up has come', async () => {
    desk.pass(3_600);
    expect((await desk.run(`watch ${FLEET}`)).out).toContain('or by itself within 5 minutes.');
  });

  it('is let go of by hand, at once, and what waits starts', async () => {
    desk.pend('v9');
    const asked = await desk.run(`unlock ${FLEET}`);
    expect(asked.out).toMatch(
      /IAM could refuse it halfway\. Unlock only when nobody is deploying these stacks\./,
    );
    expect(asked.out).not.toMatch(/execution +|phase/);
    expect(desk.held()).toBeDefined();
    const said = await desk.run(`unlock ${FLEET} --yes`);
    expect(said).toMatchObject({
      exitCode: 0,
      out: expect.stringMatching(/The lock is free\. Started what was waiting: version v9/),
    });
    expect(desk.held()).toBeUndefined();
  });
});
