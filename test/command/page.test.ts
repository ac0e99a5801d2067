/** `irekae page`: a deployment's page as a file, of one that has ended and of one that runs. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { PageKeeper } from '../../bin/command/command.ts';
import { pageKeeper } from '../../bin/command/page-keeper.ts';
import { DeploymentError } from '../../lambdas/domain/core/errors.ts';
import { timelineKey } from '../../lambdas/domain/core/names.ts';
import { FLEET, type Said, type Visit } from './desk.ts';
import { Theatre } from './theatre.ts';

let theatre: Theatre;
let kept: { name: string; html: string; file: string | undefined }[];
let opened: string[];
let page: PageKeeper;
beforeEach(() => {
  theatre = new Theatre();
  [kept, opened] = [[], []];
  page = {
    keep: async (name, html, file) => {
      kept.push({ name, html, file });
      return `/tmp/${name}`;
    },
    open: (path) => opened.push(path),
  };
});
afterEach(() => theatre.close());

const run = (line: string, visit: Visit = {}) => theatre.run(line, { page, ...visit });

async function during(state: string, line: string, visit: Visit = {}): Promise<Said> {
  let said: Promise<Said> | undefined;
  theatre.stage.whenEntering(state, () => {
    said = theatre.begin(line, { page, ...visit });
  });
  await theatre.stage.deploy({ startedBy: 'CI' }, 'd1');
  if (!said) throw new Error(`The story never entered ${state}.`);
  return theatre.stage.clock.until(said);
}

const refused = async () => {
  throw new DeploymentError('ServiceRefused', 'AWS refused it: AccessDenied.');
};

describe('of a deployment that has ended', () => {
  beforeEach(async () => {
    theatre.upload();
    await theatre.stage.deploy({}, 'd1');
  });

  it('is the page that stands beside its record; its path is printed, and a browser opens it', async () => {
    const said = await run(`page ${FLEET}`);
    expect(said).toMatchObject({
      exitCode: 0,
      out: `The page of d1 of ${FLEET}:\n  /tmp/irekae-${FLEET}-d1.html`,
    });
    const { s3 } = theatre.stage.world;
    expect(kept).toEqual([
      {
        name: `irekae-${FLEET}-d1.html`,
        html: s3.text(theatre.stage.fleet.artifact.bucket, timelineKey(FLEET, 'd1')),
        file: undefined,
      },
    ]);
    expect(opened).toEqual([`/tmp/irekae-${FLEET}-d1.html`]);
  });

  it.each(['--no-open', '--json'])('is not opened with %s', async (flag) => {
    expect(await run(`page ${FLEET} d1 ${flag} --out x.html`)).toMatchObject({ exitCode: 0 });
    expect(kept).toMatchObject([{ file: 'x.html' }]);
    expect(opened).toEqual([]);
  });

  it('is the newest that has one', async () => {
    theatre.upload('newer');
    await theatre.stage.deploy({}, 'd2');
    await theatre.stage.deploy({ amiId: 'ami-00000000000000001' }, 'refused');
    expect((await run(`page ${FLEET}`)).out).toContain('page of d2');
    expect((await run(`page ${FLEET} d1`)).out).toContain('page of d1');
  });

  it('is found by its id alone, in whatever fleet', async () => {
    expect((await run('page d1')).out).toContain(`page of d1 of ${FLEET}:`);
    expect((await run('page')).out).toContain(`page of d1 of ${FLEET}:`);
    expect(await run('page d7')).toMatchObject({
      exitCode: 1,
      err: expect.stringMatching(/^No fleet in reach has a record of d7\.\nstaging is in the account/),
    });
  });

  it('of one that nobody knows is none', async () => {
    expect(await run(`page ${FLEET} d7`)).toMatchObject({
      exitCode: 1,
      err: expect.stringMatching(/has no record of a deployment d7\.\nTo list them: {2}.* history/),
    });
    expect(await run(`page ${FLEET} ../d1`)).toMatchObject({
      exitCode: 2,
      err: expect.stringMatching(/^DEPLOYMENT \.\.\/d1: allowed: a deployment’s id/),
    });
  });

  it('of a record that cannot be drawn says where one may be', async () => {
    const { world, fleet } = theatre.stage;
    world.s3.writeRecord(fleet.artifact.bucket, `irekae/${FLEET}/deployments/d0.json`, { by: 'others' });
    expect(await run(`page ${FLEET} d0`)).toMatchObject({
      exitCode: 1,
      err: expect.stringMatching(
        /cannot be drawn by this version.*\n.*aws s3 cp s3:.*d0\.html timeline\.html$/,
      ),
    });
  });
});

describe('where it cannot be written, or not all be read', () => {
  beforeEach(async () => {
    theatre.upload();
    await theatre.stage.deploy({}, 'd1');
  });

  it('says what the system says', async () => {
    // On a virtual clock, nobody waits for a real disk.
    const keep = async () => {
      throw Object.assign(new Error('ENOENT: no such file or directory'), { code: 'ENOENT' });
    };
    expect(await run(`page ${FLEET} --out /no/such/folder/x.html`, { page: { keep } })).toMatchObject({
      exitCode: 1,
      err: 'The page could not be written: ENOENT: no such file or directory\nTo write it elsewhere:  --out FILE',
    });
  });

  it('is found without permission to read the lock', async () => {
    const { ledger } = theatre.ports;
    const said = await run(`page ${FLEET}`, { ports: { ledger: { ...ledger, read: refused } } });
    expect(said.out).toContain(`page of d1 of ${FLEET}:`);
  });
});

describe('of a fleet that was never deployed', () => {
  it('is none', async () => {
    expect(await run(`page ${FLEET}`)).toMatchObject({
      exitCode: 1,
      err: `${FLEET} has no deployment with a page.`,
    });
    expect(await run('page')).toMatchObject({
      exitCode: 1,
      err: expect.stringMatching(/^No fleet in reach/),
    });
  });
});

describe('of a deployment that runs', () => {
  beforeEach(() => theatre.upload());

  it('shows what has been reached, by the history', async () => {
    const { out } = await during('Watch the new hosts', `page ${FLEET}`);
    expect(out).toMatch(/^The page of d1 .*, which is still running: run this again for more:\n/);
    const [{ html = '' } = {}] = kept;
    expect(html).toMatch(/<span class="badge warn">Running<\/span>/);
    expect(html).toMatch(/It has not ended: this is what was known at 03:\d\d:\d\d UTC/);
    // Drained since the act began, which only the history knows.
    expect(html).toContain('the old hosts are drained at all load balancers');
    for (const id of theatre.stage.oldInstances) expect(html).toContain(id);
  });

  it('without permission to read the history shows what the lock knows', async () => {
    const { executions } = theatre.ports;
    const { exitCode } = await during('Watch the new hosts', `page ${FLEET}`, {
      ports: { executions: { ...executions, document: refused, recent: refused } },
    });
    expect(exitCode).toBe(0);
    expect(kept[0]?.html).toContain('d1: Shift traffic.');
    expect(kept[0]?.html).not.toContain('the old hosts are drained at all load balancers');
  });

  it('is found by its id, and in all fleets before those that have ended', async () => {
    expect((await during('Old hosts are drained', `page ${FLEET} d1`)).out).toContain('still running');
    theatre.upload('newer');
    let said: Promise<Said> | undefined;
    theatre.stage.whenEntering('Old hosts are drained', () => {
      said = theatre.begin('page', { page });
    });
    await theatre.stage.deploy({}, 'd2');
    expect((await said)?.out).toContain('page of d2');
  });

  it('that has only begun has a page already', async () => {
    expect((await during('Resolve the release', `page ${FLEET}`)).out).toContain('still running');
    expect(kept[0]?.html).toContain('Running');
  });

  it('of one that was stopped is the one beside its record, once its clean-up has written it', async () => {
    theatre.stage.whenEntering('Watch the new hosts', () => theatre.stage.executions[0]?.stop());
    await theatre.stage.deploy({}, 'd1');
    await theatre.stage.settle();
    expect((await run(`page ${FLEET}`)).out).toMatch(/^The page of d1 of \S+:/);
    expect(kept[0]?.html).toContain('RolledBack');
  });
});

it('a page is kept where it was asked for, or in a folder of its own', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'page-'));
  try {
    const { keep, open } = pageKeeper(false);
    expect(open).toBeUndefined();
    const path = await keep('a.html', '<p>a', join(folder, 'b.html'));
    expect(path).toBe(join(folder, 'b.html'));
    expect(await readFile(path, 'utf8')).toBe('<p>a');
    await expect(keep('a.html', '<p>', join(folder, 'none', 'c.html'))).rejects.toMatchObject({
      code: 'ENOENT',
    });
    const own = await keep('a.html', '<p>c', undefined);
    expect(await readFile(own, 'utf8')).toBe('<p>c');
    expect(own).toMatch(/irekae-\w+\Wa\.html$/);
    await rm(join(own, '..'), { recursive: true });
  } finally {
    await rm(folder, { recursive: true });
  }
});
