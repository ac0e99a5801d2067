/** `irekae remove`: deletes a fleet's stack while nothing happens in it, and says what stays. */
import { beforeEach, describe, expect, it } from 'vitest';
import { fleetsFile } from '../../examples/reactio/fleets.ts';
import type { CommandPorts } from '../../lambdas/ports/command.ts';
import { Desk, FLEET, type Visit, worldFleets } from './desk.ts';

const STACK = `irekae-production-fleet-${FLEET}`;
/** Production's app is followed by its worker; alone it may go. */
const alone = {
  ...worldFleets,
  fleets: worldFleets.fleets.filter(({ after }) => after !== FLEET),
};

let desk: Desk;
let statuses: (string | undefined)[];
let deleted: string[];
let onDelete: () => void;
beforeEach(() => {
  desk = new Desk();
  statuses = ['CREATE_COMPLETE', 'DELETE_IN_PROGRESS', undefined];
  deleted = [];
  onDelete = () => {};
});

const remove = (more = '', visit: Visit = {}) =>
  desk.run(`remove ${FLEET}${more}`, {
    fleetsFile: alone,
    pause: async (seconds) => desk.pass(seconds),
    ports: {
      inspector: {
        stackStatus: async () => (statuses.length > 1 ? statuses.shift() : statuses[0]),
      } as object as CommandPorts['inspector'],
      remover: {
        deleteStack: async (name) => {
          deleted.push(name);
          onDelete();
        },
      },
    },
    ...visit,
  });
const row = () => desk.world.ledger.read(FLEET);

describe('irekae remove', () => {
  it('shows what goes and what stays, and deletes nothing without a yes', async () => {
    const [one, two] = [desk.host(), desk.host()];
    const said = await remove();
    expect(said.out).toMatch(new RegExp(`goes +the stack ${STACK} \\(CREATE_COMPLETE\\)`));
    expect(said.out).toMatch(/stays +the role and the instance profile of its hosts; records/);
    expect(said.out).toContain(`2 hosts go on serving (${one} and ${two})`);
    expect(said).toMatchObject({
      exitCode: 1,
      err: expect.stringMatching(/^Nothing was changed\. .* --yes$/),
    });
    expect(deleted).toEqual([]);
    expect(row()?.held).toBeUndefined();
  });

  it('deletes the stack under the fleet’s lock, lets go of it, and says how to come back', async () => {
    const host = desk.host();
    let whileDeleting: unknown;
    onDelete = () => {
      whileDeleting = row()?.held;
    };
    const said = await remove(' --yes --reason moved');
    expect(deleted).toEqual([STACK]);
    expect(whileDeleting).toMatchObject({ phase: 'agree', startedBy: 'Operator/hanako', why: 'moved' });
    expect(said).toMatchObject({ exitCode: 0 });
    expect(said.out).toMatch(new RegExp(`is removed: 1 host goes on serving \\(${host}\\)`));
    expect(said.out).toMatch(/out of the fleets file; .* npx cdk deploy irekae-production\n/);
    expect(said.out).toMatch(new RegExp(`put it into the file again:  npx cdk deploy ${STACK}$`));
    expect(row()?.held).toBeUndefined();
    expect(desk.world.ec2.instance(host).state(desk.now().getTime())).toBe('running');
  });

  describe('when something is uploaded while it deletes', () => {
    beforeEach(() => {
      onDelete = () => {
        const since = desk.now();
        desk.world.ledger.pend(
          FLEET,
          { id: 'late', versionId: 'v2', since, input: '{}', isCurrent: true } as never,
          undefined,
        );
        expect(row()?.pending).toBeDefined();
      };
    });

    it('leaves nothing waiting', async () => {
      expect(await remove(' --yes')).toMatchObject({ exitCode: 0 });
      expect(row()?.pending).toBeUndefined();
    });

    it('lets it wait for its turn when the stack stays', async () => {
      statuses = ['CREATE_COMPLETE', 'DELETE_FAILED'];
      expect(await remove(' --yes')).toMatchObject({ exitCode: 1 });
      expect(row()).toMatchObject({ pending: { id: 'late' } });
      expect(row()?.held).toBeUndefined();
    });

    it('lets it wait for its turn when the stack may not be deleted', async () => {
      const deletes = onDelete;
      onDelete = () => {
        deletes();
        throw new Error('not authorized');
      };
      expect((await remove(' --yes')).exitCode).not.toBe(0);
      expect(row()).toMatchObject({ pending: { id: 'late' } });
      expect(row()?.held).toBeUndefined();
    });
  });

  it('is done at once where there is no such stack', async () => {
    statuses = [undefined];
    expect(await remove(' --yes')).toMatchObject({
      exitCode: 0,
      out: expect.stringContaining('There is no stack'),
    });
    expect(deleted).toEqual([]);
  });

  it.each<[string, () => void, RegExp]>([
    [
      'a deployment holds the lock',
      () => void desk.hold('bring-up'),
      /holds the lock of .* \(phase bring-up\): .* with cancel/,
    ],
    [
      'the stack is being changed',
      () => {
        statuses = ['UPDATE_IN_PROGRESS'];
      },
      /is being changed right now \(UPDATE_IN_PROGRESS\)/,
    ],
  ])('refuses while %s, and changes nothing', async (_, arrange, sentence) => {
    arrange();
    const said = await remove(' --yes');
    expect(said).toMatchObject({ exitCode: 1, err: expect.stringMatching(sentence) });
    expect(said.err).toMatch(/Nothing was changed\.$/);
    expect(deleted).toEqual([]);
  });

  it('refuses while other fleets follow it, or are promoted from it', async () => {
    const followed = await remove(' --yes', { fleetsFile: worldFleets });
    expect(followed.err).toMatch(
      /reactio-production-worker would never be deployed again: remove `after` there first/,
    );
    const source = fleetsFile.fleets.find(({ promotion }) => promotion)?.promotion?.from ?? '';
    const promoted = await desk.run(`remove ${source} --yes`, {
      ports: {
        inspector: { stackStatus: async () => 'CREATE_COMPLETE' } as object as CommandPorts['inspector'],
      },
    });
    expect(promoted.err).toMatch(/would get no release anymore: change `promotion` there first/);
    expect(deleted).toEqual([]);
  });

  it('tells of a stack that CloudFormation could not delete, with the command that says why', async () => {
    statuses = ['CREATE_COMPLETE', 'DELETE_FAILED'];
    const said = await remove(' --yes');
    expect(said).toMatchObject({ exitCode: 1, err: expect.stringMatching(/it is DELETE_FAILED/) });
    expect(said.err).toContain(`aws cloudformation describe-stack-events --stack-name ${STACK}`);
    expect(row()?.held).toBeUndefined();
  });
});
