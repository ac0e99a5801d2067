/** What is owed: what of it fits into the ledger, and how it is paid when nobody answers. */
import { describe, expect, it } from 'vitest';
import { DeploymentError } from '../../lambdas/domain/core/errors.ts';
import { debtsFit } from '../../lambdas/domain/core/ledger-refusals.ts';
import { payDebts, recordPayer } from '../../lambdas/domain/lock/debts.ts';
import { joined, nameOf, whatFits } from '../../lambdas/domain/lock/debts-that-fit.ts';
import type { Debt } from '../../lambdas/ports/ledger.ts';

const MACKEREL = { service: 'Shop', role: 'web' } as const;
const ids = (prefix: string, many: number) => Array.from({ length: many }, (_, index) => `${prefix}${index}`);
const owed = { deployment: 'd-1', since: '2026-03-01T09:00:00.000Z' } as const;
const status = (hosts: readonly string[], deployment = 'd-1'): Debt =>
  ({ ...owed, deployment, kind: 'status', status: 'working', ...MACKEREL, hosts }) as Debt;
const retirement = (instances: readonly string[], deployment = 'd-1'): Debt =>
  ({ ...owed, deployment, kind: 'retire', ...MACKEREL, instances, hosts: [] }) as Debt;
const record = (deployment: string, isCurrent: boolean, more: object = {}): Debt =>
  ({
    ...owed,
    deployment,
    kind: 'record',
    isCurrent,
    record: JSON.stringify({ deployment, ...more }),
  }) as Debt;

/** Room for so many characters, to see what goes first. */
const room = (characters: number) => (some: readonly Debt[]) => JSON.stringify(some).length <= characters;
const kinds = (debts: readonly Debt[]) => debts.map(({ kind, deployment }) => `${kind} of ${deployment}`);

describe('what fits into the ledger', () => {
  it('is all of it, where there is room', () => {
    const all = [status(['a']), retirement(['i-1']), record('d-1', true)];
    expect(whatFits(all)).toEqual({ kept: all, lost: [] });
  });

  it('is a record without its timeline, before anything is lost', () => {
    const all = [
      status(['a']),
      record('d-1', true, { timeline: 'x'.repeat(1_000), consoles: ['y'.repeat(1_000)] }),
    ];
    const { kept, lost } = whatFits(all, room(600));
    expect(kinds(kept)).toEqual(['status of d-1', 'record of d-1']);
    expect(kept[1]).toMatchObject({ record: JSON.stringify({ deployment: 'd-1' }) });
    expect(lost).toEqual([]);
  });

  it('is what runs first, then statuses, retirements, and older records', () => {
    const all = [record('d-0', false), retirement(['i-1']), status(['a']), record('d-2', true)];
    const sizes = [160, 340, 480, 1_000];
    expect(sizes.map((size) => kinds(whatFits(all, room(size)).kept))).toEqual([
      ['record of d-2'],
      ['status of d-1', 'record of d-2'],
      ['retire of d-1', 'status of d-1', 'record of d-2'],
      ['record of d-0', 'retire of d-1', 'status of d-1', 'record of d-2'],
    ]);
  });

  it('is a part of a list, and says which part is lost', () => {
    const { kept, lost } = whatFits([status(ids('host-', 100))], room(800));
    const [some, rest] = [kept[0], lost[0]].map((debt) => (debt?.kind === 'status' ? debt.hosts : []));
    expect(some?.length).toBeGreaterThan(20);
    expect([...(some ?? []), ...(rest ?? [])]).toEqual(ids('host-', 100));
  });

  it('loses nothing of the largest fleet', () => {
    const random = (index: number) => ((index * 2_654_435_761) % 2 ** 32).toString(36).padStart(7, '0');
    const all = [
      status(ids('', 500).map((_, index) => `3${random(index)}${random(index + 7)}`.slice(0, 11))),
      retirement(ids('', 500).map((_, index) => `i-0${random(index)}${random(index + 1)}abc`)),
      record('d-1', false, { newInstances: ids('i-0123456789abc', 500) }),
    ];
    expect(debtsFit(all)).toBe(true);
    expect(whatFits(all).lost).toEqual([]);
  });

  it('is one debt, when it is owed twice', () =>
    expect(joined([status(['a', 'b']), retirement(['i-1'])], status(['b', 'c']))).toEqual([
      retirement(['i-1']),
      status(['a', 'b', 'c']),
    ]));
});

describe('paying', () => {
  const ledgerOf = (debts: readonly Debt[]) => {
    let row = { version: 1, debts };
    return {
      ledger: {
        read: async () => ({ fleet: 'shop', owed: row }),
        owe: async (_fleet: string, left: readonly Debt[], version: number) => {
          row = { version: version + 1, debts: left };
          return true;
        },
      } as unknown as Parameters<typeof payDebts>[3]['ledger'],
      left: () => kinds(row.debts),
    };
  };
  const silent = new DeploymentError('ServiceUnavailable', 'No answer.');

  it('asks who does not answer once, however much is owed, and pays the others', async () => {
    const debts = [
      status(['a'], 'd-1'),
      retirement(['i-1'], 'd-2'),
      status(['b'], 'd-3'),
      record('d-4', false),
    ];
    const { ledger, left } = ledgerOf(debts);
    const asked: string[] = [];
    const deaf = async (debt: Debt) => {
      asked.push(nameOf(debt));
      throw silent;
    };
    const { paid, unpaid } = await payDebts(
      'shop',
      debts,
      { status: deaf, retire: deaf, record: async () => {} },
      { ledger },
    );
    expect(asked).toEqual(['d-1 status working']);
    expect(kinds(paid)).toEqual(['record of d-4']);
    expect(unpaid.map(({ why }) => why)).toEqual(Array(3).fill('ServiceUnavailable: No answer'));
    expect(left()).toEqual(['status of d-1', 'retire of d-2', 'status of d-3']);
  });

  it('goes on after a debt that is refused', async () => {
    const debts = [status(['a'], 'd-1'), status(['b'], 'd-2')];
    const { ledger, left } = ledgerOf(debts);
    const refusing = async ({ deployment }: Debt) => {
      if (deployment === 'd-1') throw new DeploymentError('MackerelRefused', 'No.');
    };
    await payDebts('shop', debts, { status: refusing }, { ledger });
    expect(left()).toEqual(['status of d-1']);
  });

  it('counts what is owed to a role that is gone as paid', async () => {
    const { ledger, left } = ledgerOf([status(['a'])]);
    const gone = async () => {
      throw new DeploymentError('MackerelRoleUnknown', 'Gone.');
    };
    await payDebts('shop', [status(['a'])], { status: gone }, { ledger });
    expect(left()).toEqual([]);
  });
});

describe('a record that is owed', () => {
  const OWED = { fleet: 'shop', deployment: 'd-1', finishedAt: '2026-03-01T09:10:00Z', outcome: 'Deployed' };
  const DEPLOYMENT = 'irekae/shop/deployments/d-1.json';
  const CURRENT = 'irekae/shop/current.json';
  const at = (minute: string) => ({ ...OWED, finishedAt: `2026-03-01T09:${minute}:00Z`, outcome: 'written' });

  it.each<[string, boolean, Record<string, object>, string[]]>([
    ['goes where nothing is', true, {}, [DEPLOYMENT, CURRENT]],
    ['tells nothing of what runs, where it is not the one that does', false, {}, [DEPLOYMENT]],
    ['replaces older ones', true, { [DEPLOYMENT]: at('09'), [CURRENT]: at('05') }, [DEPLOYMENT, CURRENT]],
    ['leaves the one that a clean-up has written since', true, { [DEPLOYMENT]: at('11') }, [CURRENT]],
    ['leaves what the next deployment made current', true, { [CURRENT]: at('30') }, [DEPLOYMENT]],
    ['is written once', true, { [DEPLOYMENT]: OWED, [CURRENT]: OWED }, []],
    ['replaces what is no record', true, { [DEPLOYMENT]: [], [CURRENT]: {} }, [DEPLOYMENT, CURRENT]],
  ])('%s', async (_, isCurrent, there, written) => {
    const keys: string[] = [];
    const records = {
      readRecord: async (_bucket: string, key: string) => there[key],
      writeRecord: async (_bucket: string, key: string) => void keys.push(key),
    } as unknown as Parameters<typeof recordPayer>[0]['records'];
    const debt = { ...record('d-1', isCurrent), record: JSON.stringify(OWED) };
    await recordPayer({ records }, 'bucket').record?.(debt as never);
    expect(keys).toEqual(written);
  });
});
