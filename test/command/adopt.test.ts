/** `irekae adopt`: shows everybody, tags only whom it may, and only after a yes. */
import { beforeEach, describe, expect, it } from 'vitest';
import { DeploymentError } from '../../lambdas/domain/core/errors.ts';
import { BALANCER, Desk, FLEET, ROLE, SUBNETS } from './desk.ts';

let desk: Desk;
beforeEach(() => {
  desk = new Desk();
});

const untagged = (options: Parameters<Desk['host']>[0] = {}) => desk.host({ fleet: null, ...options });
const tagOf = (id: string) => desk.world.ec2.instance(id).facts.tags['irekae:fleet'];
/** The line of the table about this host. */
const lineOf = (out: string, id: string) => out.split('\n').find((line) => line.includes(id));

describe('irekae adopt', () => {
  it('shows who would be tagged, who not, and why', async () => {
    const plain = untagged({ tags: { Name: 'app-1' } });
    const ours = desk.host();
    const foreign = desk.host({ fleet: 'reactio-production-worker' });
    desk.world.mackerel.addHost({ name: 'on-premises', roles: [ROLE], status: 'standby' });
    const said = await desk.run(`adopt ${FLEET}`);
    const cell = (id: string) => `${id}  ip-10-0-0-`;
    expect(said.out.split('\n').slice(0, 2)).toEqual([
      `${FLEET}: 4 hosts that may belong to reactio-production:app`,
      '         instance             host in Mackerel  status   type       launched    Name tag  why',
    ]);
    expect(said.out.split('\n').slice(2)).toEqual([
      `  tag    ${cell(plain)}0       working  t4g.small  2026-11-21  app-1     runs in the fleet’s VPC, untagged`,
      `  ours   ${cell(ours)}1       working  t4g.small  2026-11-21  -         already carries the fleet’s tag`,
      '  leave  -                    on-premises       standby  -          -           -         Mackerel has no EC2 instance id for it',
      `  leave  ${cell(foreign)}2       working  t4g.small  2026-11-21  -         belongs to the fleet reactio-production-worker`,
      '',
      'The next deployment would then replace, and terminate, 2 hosts; it launches 2.',
    ]);
    expect(said).toMatchObject({
      exitCode: 1,
      err: `Nothing was changed. To do it:  npx --no -- irekae adopt ${FLEET} --yes`,
    });
    expect(tagOf(plain)).toBeUndefined();
  });

  it('tags whom it showed with --yes, and nobody else', async () => {
    const [one, two] = [untagged(), untagged({ subnetId: SUBNETS[1] })];
    const foreign = desk.host({ fleet: 'reactio-production-worker' });
    const said = await desk.run(`adopt ${FLEET} --yes`);
    expect(said.out).toMatch(new RegExp(`2 hosts tagged: ${one} and ${two}\\.$`));
    expect(said).toMatchObject({ exitCode: 0, questions: [] });
    expect([one, two, foreign].map(tagOf)).toEqual([FLEET, FLEET, 'reactio-production-worker']);
    // Twice is once.
    expect(await desk.run(`adopt ${FLEET} --yes`)).toMatchObject({
      exitCode: 0,
      out: expect.stringMatching(/Nothing to adopt\. Nothing was changed\.$/),
    });
  });

  it.each([true, false])('does what a person answers (%s)', async (answer) => {
    const id = untagged();
    const said = await desk.run(`adopt ${FLEET}`, { answer });
    expect(said).toMatchObject({
      exitCode: answer ? 0 : 1,
      questions: [`Give 1 host the tag irekae:fleet=${FLEET}: ${id}?`],
    });
    expect(tagOf(id)).toBe(answer ? FLEET : undefined);
  });

  it('leaves alone who is not what it was when a person agreed, and who came since', async () => {
    const [stays, dies] = [untagged(), untagged()];
    let late = '';
    const answer = () => {
      desk.world.ec2.kill(dies, 'Client.UserInitiatedShutdown');
      late = untagged();
      return true;
    };
    const said = await desk.run(`adopt ${FLEET}`, { answer });
    expect(said.out).toMatch(new RegExp(`1 host tagged: ${stays}\\.\n${dies} was left alone`));
    expect([stays, dies, late].map(tagOf)).toEqual([FLEET, undefined, undefined]);
  });

  it('calls no EC2 write for an empty list', async () => {
    const tag = async () => {
      throw new Error('nobody may be tagged');
    };
    const said = await desk.run(`adopt ${FLEET} --yes`, { ports: { tagger: { tag } } });
    expect(said.exitCode).toBe(1);
    expect(said.out).toBe(`${FLEET}: Mackerel lists no host under reactio-production:app.`);
    expect(said.err).toMatch(/^No host can be adopted\. Nothing was changed\.\nDoes the role exist/);
  });

  it('tags nobody when Mackerel does not answer', async () => {
    const id = untagged();
    const hosts = async () => {
      throw new DeploymentError('ServiceUnavailable', 'Mackerel is away.');
    };
    const said = await desk.run(`adopt ${FLEET} --yes`, {
      ports: { mackerel: { ...desk.world.ports.mackerel, hosts } },
    });
    expect(said).toMatchObject({ exitCode: 1, err: 'Mackerel is away.' });
    expect(tagOf(id)).toBeUndefined();
  });

  it('reports whom EC2 refused, and tags the others', async () => {
    const [one, two] = [untagged(), untagged()];
    const tagger = { tag: async () => ({ refused: [{ id: two, reason: 'UnauthorizedOperation: no' }] }) };
    const said = await desk.run(`adopt ${FLEET} --yes`, { ports: { tagger } });
    expect(said.exitCode).toBe(1);
    expect(said.err).toBe(`1 host tagged: ${one}.\nEC2 refused to tag ${two}: UnauthorizedOperation: no.`);
  });

  it('says before tagging that the next deployment would refuse to shrink the fleet', async () => {
    for (let n = 0; n < 3; n += 1) untagged();
    expect((await desk.run(`adopt ${FLEET}`)).out).toMatch(/It refuses \(FleetWouldShrink\)/);
  });

  it('tells machines who got the tag', async () => {
    const id = untagged();
    const { out } = await desk.run(`adopt ${FLEET} --json --yes`);
    expect(JSON.parse(out)).toMatchObject({
      outcome: 'adopted',
      result: { adopted: [id], hosts: [{ verdict: 'adopt', instanceId: id }] },
    });
  });
});

describe('irekae adopt leaves alone', () => {
  const why = async (id: string) => lineOf((await desk.run(`adopt ${FLEET} --yes`)).out, id);

  it('a ghost: an id that EC2 does not know', async () => {
    desk.world.mackerel.addHost({ name: 'ghost', roles: [ROLE], instanceId: 'i-0123456789abcdef0' });
    expect(await why('i-0123456789abcdef0')).toMatch(/^ {2}leave .*EC2 does not know it/);
  });

  it('who does not run', async () => {
    const id = untagged();
    desk.world.ec2.stop(id);
    desk.pass(60);
    expect(await why(id)).toMatch(/^ {2}leave .*is stopped$/);
  });

  it('who is in another VPC', async () => {
    desk.world.ec2.addSubnet({ subnetId: 'subnet-elsewhere', vpcId: 'vpc-2', zone: 'ap-northeast-1a' });
    const id = untagged({ subnetId: 'subnet-elsewhere' });
    expect(await why(id)).toMatch(/^ {2}leave .*is in vpc-2; the fleet is in vpc-1$/);
    expect(tagOf(id)).toBeUndefined();
  });

  it('who is under the role of two fleets', async () => {
    const id = untagged();
    const worker = { service: 'reactio-production', role: 'worker' };
    desk.world.mackerel.addHost({ name: 'twice', roles: [worker], instanceId: id });
    expect(await why(id)).toMatch(/^ {2}leave .*for the fleet reactio-production-worker too/);
    expect(tagOf(id)).toBeUndefined();
  });

  it('who is kept alive by an Auto Scaling group', async () => {
    const id = untagged({ tags: { 'aws:autoscaling:groupName': 'old-app' } });
    expect(await why(id)).toMatch(/the Auto Scaling group old-app would replace it/);
    expect(tagOf(id)).toBeUndefined();
  });

  it('who serves at the load balancer without being in Mackerel', async () => {
    untagged();
    const instance = desk.world.ec2.addExisting({
      subnetId: SUBNETS[0],
      imageId: 'ami-1',
      instanceType: 't4g.small',
      tags: {},
      ageSeconds: 60,
    });
    desk.world.loadBalancers.addExistingMember(BALANCER, instance);
    expect(await why(instance.id)).toMatch(
      /is registered at reactio-production, but Mackerel does not list it/,
    );
    expect(tagOf(instance.id)).toBeUndefined();
  });

  it('nobody twice: an instance with two entries in Mackerel is one host', async () => {
    const id = untagged();
    desk.world.mackerel.addHost({ name: 'again', roles: [ROLE], instanceId: id });
    expect(await why(id)).toMatch(/^ {2}tag .*2 entries in Mackerel$/);
    expect(tagOf(id)).toBe(FLEET);
  });
});

describe('irekae adopt --from, after a fleet was renamed', () => {
  const FORMER = 'reactio-production-web';

  it('says when no host carries that name: it is misspelt, or was taken over before', async () => {
    desk.host();
    const said = await desk.run(`adopt ${FLEET} --from reactio-production-wbe --yes`);
    expect(said).toMatchObject({
      exitCode: 0,
      out: expect.stringMatching(
        /None of these hosts carries the name reactio-production-wbe\.\nNothing to adopt\. Nothing was changed\.$/,
      ),
    });
  });

  it('takes over the hosts that carry the former name, and says so', async () => {
    const [former, foreign] = [
      desk.host({ fleet: FORMER }),
      desk.host({ fleet: 'reactio-production-worker' }),
    ];
    const shown = await desk.run(`adopt ${FLEET} --from ${FORMER}`);
    expect(lineOf(shown.out, former)).toMatch(new RegExp(`tag .* runs in the fleet’s VPC, tagged ${FORMER}`));
    const said = await desk.run(`adopt ${FLEET} --from ${FORMER} --yes`);
    expect(said.out).toMatch(new RegExp(`1 host tagged: ${former}\\.$`));
    expect([former, foreign].map(tagOf)).toEqual([FLEET, 'reactio-production-worker']);
  });

  it('leaves them alone without it', async () => {
    const former = desk.host({ fleet: FORMER });
    await desk.run(`adopt ${FLEET} --yes`);
    expect(tagOf(former)).toBe(FORMER);
  });

  it.each([
    ['is a fleet still', 'reactio-production-worker', /is a fleet in the fleets file: its hosts are its own/],
    ['is this fleet’s own', FLEET, /is the name that this fleet has/],
  ])('refuses a name that %s', async (_, name, sentence) => {
    const host = desk.host({ fleet: name === FLEET ? null : name });
    const said = await desk.run(`adopt ${FLEET} --from ${name} --yes`);
    expect(said).toMatchObject({ exitCode: 1, err: expect.stringMatching(sentence) });
    expect(tagOf(host)).toBe(name === FLEET ? undefined : name);
  });

  it('refuses while the former name’s lock is held', async () => {
    const former = desk.host({ fleet: FORMER });
    desk.world.ledger.take(FORMER, { holder: 'arn:x:y:z:a:b:c:d', startedBy: 'CI' });
    const said = await desk.run(`adopt ${FLEET} --from ${FORMER} --yes`);
    expect(said.err).toMatch(/holds its lock \(phase agree\): wait until it has ended, or cancel it/);
    expect(tagOf(former)).toBe(FORMER);
  });
});
