/** The page's parts in words and tables: all that the picture shows can also be read. */

import { count, list, span } from '../../core/words.ts';
import { figure, type Side } from '../../hosts/compare.ts';
import type { DeploymentRecord } from '../record.ts';
import type { Bound, BoundPart } from './bound.ts';
import { type HostRow, type Milestone, newHosts, oldHosts, shownOf } from './hosts.ts';
import { Html, html } from './html.ts';
import { timeElement } from './moments.ts';
import type { Timeline, Told } from './timeline.ts';

type Drawn = DeploymentRecord & { readonly timeline: Timeline };

/**
 * A table that may scroll by itself, so that the page never does. Its caption stands outside: in the table it would be
 * as wide, and scroll along.
 */
function table(id: string, caption: string, head: readonly Html[], rows: readonly Html[]): Html {
  return html`<p class="caption" id="${id}-caption">${caption}</p>
<div class="scroll" role="region" aria-labelledby="${id}-caption" tabindex="0"><table aria-labelledby="${id}-caption">
<thead><tr>${head}</tr></thead><tbody>
${rows}</tbody></table></div>
`;
}

const th = (name: string, className?: string): Html =>
  html`<th scope="col"${className !== undefined && html` class="${className}"`}>${name}</th>`;

// ── What changed ───────────────────────────────────────────────────────────────────────────────────────────────────

export function changes(record: DeploymentRecord): Html {
  const before = record.timeline?.before;
  const rows: Change[] = [
    ...(record.artifact === null
      ? []
      : [[record.artifact?.key ?? 'Artifact', before?.versionId, record.artifact?.versionId] as Change]),
    ...(record.runtimes ?? []).map(
      ({ key, versionId }): Change => [
        key,
        before?.runtimes.find((runtime) => runtime.key === key)?.versionId,
        versionId,
      ],
    ),
    ['Machine image', before?.imageId, record.imageId],
    ['Instances', types(before?.instanceTypes), types(record.instanceTypes)],
  ];
  if (!before) return newTable(rows);
  return table(
    'changes',
    `Compared with deployment ${before.deployment}, which the fleet ran before.`,
    [th('What'), th('Before'), th('This deployment'), th('')],
    rows.map(([what, was, is]) => {
      const verdict = was === undefined || is === undefined ? '' : was === is ? 'the same' : 'changed';
      return html`<tr><th scope="row">${what}</th><td class="id">${was ?? '–'}</td><td class="id">${is ?? '–'}</td><td class="dim">${verdict}</td></tr>
`;
    }),
  );
}

type Change = readonly [what: string, was: string | undefined, is: string | undefined];

const newTable = (rows: readonly Change[]): Html =>
  table(
    'changes',
    'There is no record of what the fleet ran before.',
    [th('What'), th('This deployment')],
    rows.map(
      ([what, , is]) =>
        html`<tr><th scope="row">${what}</th><td class="id">${is ?? '–'}</td></tr>
`,
    ),
  );

const types = (counts: Readonly<Record<string, number>> | undefined): string | undefined =>
  counts &&
  (Object.entries(counts)
    .map(([type, many]) => `${many} × ${type}`)
    .join(', ') ||
    'none');

// ── Old against new ────────────────────────────────────────────────────────────────────────────────────────────────

export const compared = (sides: readonly Side[]): Html =>
  table(
    'compared',
    'Per host and minute, as the metrics’ graphs show it, without the highest minutes: new hosts as last compared, old ones at the same minutes or, in the bake, before the launch. What has a limit is judged.',
    [th('Metric'), th('Old', 'n'), th('New', 'n'), th('Times', 'n'), th('At most', 'n')],
    sides.map(({ metric, old, new: fresh, times, atMost }) => {
      const isWorse = fresh !== undefined && atMost !== undefined && fresh > atMost;
      return html`<tr><th scope="row" class="id">${metric}</th><td class="n">${figure(old)}</td><td class="n">${isWorse ? html`<strong>${figure(fresh)}, worse</strong>` : figure(fresh)}</td><td class="n">${figure(times)}</td><td class="n dim">${figure(atMost)}</td></tr>
`;
    }),
  );

// ── Where the time went ────────────────────────────────────────────────────────────────────────────────────────────

export function timeSpent({ parts, took, atBest }: Bound): Html {
  const row = (part: string, seconds: BoundPart, className?: string) =>
    html`<tr${className !== undefined && html` class="${className}"`}><th scope="row">${part}<br><small>${seconds.because}</small></th><td class="n">${span(seconds.took)}</td><td class="n">${span(seconds.atBest)}</td><td class="meter">${meter(seconds.took, seconds.atBest, took)}</td></tr>
`;
  return table(
    'time',
    'At best: what EC2, the image, the application, requests in flight and the fleet’s own settings made unavoidable, as far as it was seen. Unknown parts count as zero.',
    [th('Phase, and what its time at best goes into'), th('Took', 'n'), th('At best', 'n'), th('', 'meter')],
    [
      ...parts.map((part) => row(part.part, part)),
      row('In all', { part: '', took, atBest, because: share(took, atBest) }, 'sum'),
    ],
  );
}

const share = (took: number, atBest: number): string =>
  `${span(took - atBest)} more than at best${took > 0 ? `, ${Math.round(((took - atBest) / took) * 100)} % of the time` : ''}`;

/** The tables’ numbers say the same. */
function meter(took: number, atBest: number, total: number): Html {
  const width = (seconds: number) => `${Math.round((seconds / Math.max(1, total)) * 1000) / 10}%`;
  return html`<svg height="8" aria-hidden="true"><rect class="rest" width="100%" height="8" rx="4"/><rect class="drain" width="${width(took)}" height="8" rx="4"/><rect class="serve" width="${width(atBest)}" height="8" rx="4"/></svg>`;
}

/** Of a deployment that did not succeed, or an old record: the phases alone. */
export function phaseTable(record: DeploymentRecord): Html {
  const spans =
    record.timeline?.spans.map(({ phase, from, to, kind }) => ({ phase, seconds: to - from, kind })) ??
    Object.entries(record.phases).map(([phase, seconds]) => ({ phase, seconds, kind: 'done' as const }));
  const notes = { done: '', failed: 'failed', undo: 'undoing' } as const;
  return table(
    'time',
    'How long each phase took.',
    [th('Phase'), th('Took', 'n'), th('')],
    spans.map(
      ({ phase, seconds, kind }) =>
        html`<tr><th scope="row">${phase}</th><td class="n">${span(seconds)}</td><td>${notes[kind]}</td></tr>
`,
    ),
  );
}

// ── Hosts ──────────────────────────────────────────────────────────────────────────────────────────────────────────

const NEW_COLUMNS: readonly (readonly [Milestone, string])[] = [
  ['running', 'Running'],
  ['registered', 'In Mackerel'],
  ['inService', 'In service'],
  ['outOfService', 'Out again'],
  ['terminated', 'Terminated'],
];
const OLD_COLUMNS: readonly (readonly [Milestone, string])[] = [
  ['outOfService', 'Out of service'],
  ['drained', 'Drained'],
  ['backInService', 'Back'],
  ['terminated', 'Terminated'],
];

export function hostTables(record: Drawn): Html {
  const launched = record.timeline.moments.launched;
  const since = launched === undefined ? '' : ` The launch was asked for after ${span(launched)}.`;
  const columns = NEW_COLUMNS.filter(
    ([name]) => name !== 'inService' || record.timeline.loadBalancers.length > 0,
  );
  return html`<h3>New hosts</h3>
${firstHosts(record)}${hostTable(newHosts(record), columns, since, 'No new host is on record.')}
<h3>Old hosts</h3>
${hostTable(oldHosts(record), OLD_COLUMNS, '', 'There was no old host.')}`;
}

const firstHosts = ({ first }: Drawn): Html | undefined =>
  first &&
  html`<p>${list(first.instances)} went first, and ${first.instances.length === 1 ? 'was' : 'were'} watched beside ${count(first.beside, 'old host')}${first.exposure && html`: ${first.exposure}`}.</p>
`;

function hostTable(
  hosts: readonly HostRow[],
  columns: readonly (readonly [Milestone, string])[],
  note: string,
  nobody: string,
): Html {
  if (hosts.length === 0)
    return html`<p>${nobody}</p>
`;
  const used = columns.filter(([name]) => hosts.some(({ milestones }) => milestones[name] !== undefined));
  const shown = shownOf(hosts);
  const some =
    shown.length < hosts.length
      ? ` These are ${shown.length} of ${hosts.length}; the record has them all.`
      : '';
  return table(
    hosts[0]?.side ?? '',
    `${count(hosts.length, 'host')}: how long after the start each was seen to be so far.${note}${some}`,
    [th('Host'), ...used.map(([, title]) => th(title, 'n'))],
    shown.map(({ host, as }) => {
      const where = [
        host.zone,
        host.type,
        as,
        host.wentFirst && 'went first',
        host.hasFailed && as === undefined && 'named by the failure',
        !host.served && host.side === 'old' && 'was not in service',
      ];
      const cells = used.map(([name]) => {
        const seconds = host.milestones[name];
        return html`<td class="n">${seconds === undefined ? '–' : span(seconds)}</td>`;
      });
      return html`<tr><th scope="row"><span class="id">${host.instanceId}</span><br><small>${where.filter(Boolean).join(' · ')}</small></th>${cells}</tr>
`;
    }),
  );
}

// ── The story, and what failed ─────────────────────────────────────────────────────────────────────────────────────

export function story({ timeline, startedAt }: Drawn): Html {
  return html`<ol class="story">
${timeline.told.map((told) => sentence(told, startedAt))}</ol>
`;
}

function sentence({ at, state, says, isFailure }: Told, startedAt: string): Html {
  const when = at === undefined ? 'at the start' : html`${timeElement(startedAt, at)} after ${span(at)}`;
  return html`<li${isFailure && html` class="fails"`}><div class="at">${when}</div><div><strong>${state}${isFailure && ' failed'}</strong><p>${says}</p></div></li>
`;
}

export function consoles({ consoles = {}, savedConsoles = {}, kept }: DeploymentRecord): Html {
  const each = Object.entries(consoles).map(
    ([instanceId, lines]) => html`<h3>The end of the console of <span class="id">${instanceId}</span></h3>
<pre tabindex="0" aria-label="${`Console of ${instanceId}`}">${new Html(lines.map((line) => html`${line}`.text).join('\n'))}</pre>
${savedConsoles[instanceId] && html`<p>All of it is in the bucket, as <span class="id">${savedConsoles[instanceId]}</span>.</p>`}`,
  );
  const keeps =
    kept &&
    html`<p><span class="id">${kept.instanceId}</span> is kept for debugging, out of service, until ${kept.until}.</p>
`;
  return html`${keeps}${each}`;
}
