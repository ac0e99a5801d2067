import { describe, expect, it } from 'vitest';
import {
  evidenceSentence,
  failedInstances,
  lastLines,
  readable,
} from '../../lambdas/domain/hosts/evidence.ts';
import { failedBy, launched, NEW } from '../support/deployments.ts';
import { aNewInstance } from '../support/facts.ts';

const failed = (message: string, ...instances: Parameters<typeof aNewInstance>[]) =>
  failedInstances(
    launched({ failure: failedBy('NewHostsNotReady', message) }),
    instances.map((each) => aNewInstance(...each)),
  );

describe('failedInstances', () => {
  it('are those that the error names, as far as this deployment launched them', () =>
    expect(failed('0 of 2 ready; i-new2 and i-old1: not running yet.', ['i-new1'], ['i-new2'])).toEqual([
      'i-new2',
    ]));

  it('are first of all those that died of themselves', () =>
    expect(
      failed(
        '1 of 3 ready; i-new1: not registered in Mackerel yet.',
        ['i-new1'],
        ['i-new2', { state: 'terminated', stateReason: 'Server.InternalError: lost' }],
        ['i-new3', { state: 'shutting-down', stateReason: 'Client.InstanceInitiatedShutdown: itself' }],
      ),
    ).toEqual(['i-new2', 'i-new3', 'i-new1']));

  it('are not those that a call ended: the undo of a look whose answer was lost', () =>
    expect(
      failed('It broke.', [
        'i-new1',
        { state: 'shutting-down', stateReason: 'Client.UserInitiatedShutdown: User initiated shutdown' },
      ]),
    ).toEqual([]));

  it('are nobody when the deployment was cancelled', () =>
    expect(
      failedInstances(launched({ failure: failedBy('Cancelled', 'Hanako cancelled it.') }), [
        aNewInstance('i-new1'),
      ]),
    ).toEqual([]));

  it('are nobody when no error was written down', () =>
    expect(
      failedInstances(
        launched(),
        NEW.map((id) => aNewInstance(id)),
      ),
    ).toEqual([]));

  it('are three at most', () => {
    const ids = ['i-1', 'i-2', 'i-3', 'i-4', 'i-5'];
    expect(failed(ids.join(', '), ...ids.map((id): [string] => [id]))).toEqual(['i-1', 'i-2', 'i-3']);
  });

  it('are taken by their whole id', () =>
    expect(failed('i-new10 not running yet.', ['i-new1'], ['i-new10'])).toEqual(['i-new10']));
});

describe('lastLines', () => {
  it('are lines without colours, bells and empty ones', () =>
    expect(
      lastLines(readable('\u001b[0;32m  OK  \u001b[0m Started\u0007 it.\r\n\r\nirekae: 起動\tfailed  \n')),
    ).toEqual(['  OK   Started it.', 'irekae: 起動 failed']));

  it('keep brackets that are none of a colour', () =>
    expect(lastLines(readable('[    0.000000] Linux\n[A] line'))).toEqual([
      '[    0.000000] Linux',
      '[A] line',
    ]));

  it('are 4 KB at most, cut between characters', () => {
    const lines = lastLines(`begin\n${'替'.repeat(5_000)}\nend`);
    expect(lines).toHaveLength(2);
    expect(Buffer.byteLength(lines.join('\n'))).toBeLessThanOrEqual(4_096);
    expect(lines[0]).toMatch(/^替+$/);
  });

  it('are none of an empty console', () => expect(lastLines('')).toEqual([]));
});

describe('evidenceSentence', () => {
  const of = (...console: string[]) => evidenceSentence([{ instanceId: 'i-1', console }]);

  it('quotes why the boot script failed, wherever that stands', () =>
    expect(of('booting', '[ 31.0] irekae: FAILED: no space left.', 'irekae: bye', 'reboot: Power down')).toBe(
      'The console of i-1 ends with "irekae: FAILED: no space left".',
    ));

  it('else what the boot script said last', () =>
    expect(of('irekae: one', 'irekae: two', 'login:')).toBe('The console of i-1 ends with "irekae: two".'));

  it('else the last line', () => expect(of('one', 'login:')).toBe('The console of i-1 ends with "login:".'));

  it('stays short', () => expect(of('x'.repeat(4_000)).length).toBeLessThan(350));

  it('tells of each instance that said anything', () =>
    expect(
      evidenceSentence([
        { instanceId: 'i-1', console: ['a'] },
        { instanceId: 'i-2', console: [] },
        { instanceId: 'i-3', console: ['c'] },
      ]),
    ).toBe('The console of i-1 ends with "a" and i-3 ends with "c".'));

  it.each([[undefined], [[]], [[{ instanceId: 'i-1', console: [] }]]])(
    'is empty without evidence (%#)',
    (none) => expect(evidenceSentence(none)).toBe(''),
  );
});
