/**
 * The picture: phases, who served, and each host as bars over time. Every row is an SVG of its own whose places are
 * percentages: words keep their size on a phone, where a picture that is scaled down could not be read.
 */

import { count, span } from '../../core/words.ts';
import type { DeploymentRecord } from '../record.ts';
import {
  type Bar,
  type BarKind,
  capacity,
  type HostRow,
  newHosts,
  oldHosts,
  shownOf,
  totalSeconds,
} from './hosts.ts';
import { type Html, html } from './html.ts';
import { marks } from './moments.ts';
import type { Span, Timeline } from './timeline.ts';

type Drawn = DeploymentRecord & { readonly timeline: Timeline };

/** What a bar means. */
const MEANINGS: Readonly<Record<BarKind, string>> = {
  launch: 'EC2 starts it',
  boot: 'boots, starts the application',
  reserve: 'lets others go first',
  join: 'waits for Mackerel or a load balancer',
  serve: 'new, in service',
  old: 'old, in service',
  drain: 'finishes its requests',
  out: 'out of service',
};

/** Short enough to stand in the bar. */
const WORDS: Readonly<Record<BarKind, string>> = {
  launch: '',
  boot: 'boots',
  reserve: '',
  join: 'joins',
  serve: 'in service',
  old: 'in service',
  drain: 'drains',
  out: '',
};

export function chart(record: Drawn): Html {
  const total = totalSeconds(record);
  const [old, fresh] = [oldHosts(record), newHosts(record)];
  const failedAt = failureSeconds(record);
  const scale: Scale = { total, failedAt };
  return html`<figure class="chart" aria-labelledby="timeline-title">
${row('', 22, axis(total), undefined, 'axis')}
${row(html`Phases`, 24, phaseBars(record.timeline.spans, scale), phasesSaid(record.timeline.spans))}
${servingRow([...old, ...fresh], scale)}
${side('Old hosts', old, scale)}
${side('New hosts', fresh, scale)}
${legend([...old, ...fresh], failedAt !== undefined)}
</figure>`;
}

interface Scale {
  readonly total: number;
  readonly failedAt: number | undefined;
}

/** When the story turned: seconds. */
export function failureSeconds({ timeline }: Drawn): number | undefined {
  return timeline.spans.find(({ kind }) => kind === 'failed')?.to;
}

const percent = (seconds: number, { total }: Pick<Scale, 'total'>): string =>
  `${Math.round((Math.min(seconds, total) / total) * 10_000) / 100}%`;

function row(name: Html | '', height: number, content: Html, said?: string, className?: string): Html {
  const named = said === undefined ? html` aria-hidden="true"` : html` role="img" aria-label="${said}"`;
  return html`<div class="row"><div class="name">${name}</div><svg height="${height}"${className !== undefined && html` class="${className}"`}${named}>${content}</svg></div>
`;
}

function axis(total: number): Html {
  const texts = marks(total).map(({ seconds, label }) => {
    // A word at an edge would stand out of the picture.
    const anchor = seconds === 0 ? 'start' : seconds > total * 0.94 ? 'end' : 'middle';
    return html`<text x="${percent(seconds, { total })}" y="14" text-anchor="${anchor}">${label}</text>`;
  });
  return html`${texts}`;
}

function grid(scale: Scale): Html {
  const lines = marks(scale.total).map(({ seconds }) => vertical(seconds, scale, 'grid'));
  return html`${lines}`;
}

const vertical = (seconds: number, scale: Scale, className: string): Html => {
  const x = percent(seconds, scale);
  return html`<line class="${className}" x1="${x}" x2="${x}" y1="0" y2="100%"/>`;
};

/** @param says what a pointer that rests on it is told */
const rect = (
  bar: { from: number; to: number },
  scale: Scale,
  className: string,
  y: number,
  height: number,
  says: string,
): Html =>
  html`<rect class="${className}" x="${percent(bar.from, scale)}" width="${percent(bar.to - bar.from, scale)}" y="${y}" height="${height}" rx="2.5"><title>${says}</title></rect>`;

/** A word in a bar, where the bar is a good deal longer than the word on any screen that is no phone. */
function word(text: string, from: number, to: number, scale: Scale, y: number): Html | undefined {
  if (text === '' || (to - from) / scale.total < 0.05 + text.length * 0.01) return undefined;
  return html`<svg x="${percent(from, scale)}" width="${percent(to - from, scale)}" height="100%"><text class="word" x="50%" y="${y}" text-anchor="middle">${text}</text></svg>`;
}

// ── Phases ─────────────────────────────────────────────────────────────────────────────────────────────────────────

const PHASE_CLASSES: Readonly<Record<string, string>> = {
  Agree: 'agree',
  'Bring up': 'up',
  'First hosts': 'watch',
  'All hosts': 'up',
  Shift: 'shift',
  Watch: 'watch',
  Remove: 'remove',
};

function phaseBars(spans: readonly Span[], scale: Scale): Html {
  const bars = spans.map(({ phase, from, to, kind }) => {
    const className = kind === 'undo' ? 'undo' : (PHASE_CLASSES[phase] ?? 'agree');
    return html`${rect({ from, to }, scale, className, 2, 20, `${phase}: ${span(to - from)}`)}${word(phase, from, to, scale, 16)}`;
  });
  return html`${grid(scale)}${bars}${failureLine(scale)}`;
}

const phasesSaid = (spans: readonly Span[]): string =>
  `Phases: ${spans.map(({ phase, from, to, kind }) => `${phase} ${span(to - from)}${kind === 'failed' ? ', failed' : ''}`).join('; ')}.`;

const failureLine = (scale: Scale): Html | undefined =>
  scale.failedAt === undefined ? undefined : vertical(scale.failedAt, scale, 'moment');

// ── Who served ─────────────────────────────────────────────────────────────────────────────────────────────────────

const SERVING_HEIGHT = 56;
/** Beyond that nobody sees a step. */
const MOST_STEPS = 160;

function servingRow(hosts: readonly HostRow[], scale: Scale): Html | undefined {
  const steps = thinned(capacity(hosts, scale.total));
  const most = Math.max(...steps.map(({ old, fresh }) => old + fresh), 0);
  const fewest = Math.min(...steps.map(({ old, fresh }) => old + fresh));
  // The old ones leave only when the new ones serve: that nobody did was not seen, but never written down.
  if (most === 0 || (fewest === 0 && steps.every(({ fresh }) => fresh === 0))) return undefined;
  const before = steps[0]?.old ?? 0;
  const height = (n: number) => Math.round((n / most) * (SERVING_HEIGHT - 4) * 100) / 100;
  const areas = steps.map(({ from, to, old, fresh }) => {
    const [lower, upper] = [height(old), height(fresh)];
    return html`${old > 0 && area(from, to, scale, 'old', SERVING_HEIGHT - lower, lower)}${fresh > 0 && area(from, to, scale, 'serve', SERVING_HEIGHT - lower - upper, upper)}`;
  });
  const y = SERVING_HEIGHT - height(before);
  const sentence = `${count(before, 'host')} in service before, ${fewest < before ? `${fewest} at least` : 'never fewer since'}, ${most} at most.`;
  const name = html`In service<small>${before} before, ${fewest < before ? `at least ${fewest}` : 'never fewer'}</small>`;
  return row(
    name,
    SERVING_HEIGHT,
    html`${grid(scale)}${areas}${before > 0 && html`<line class="before" x1="0" x2="100%" y1="${y}" y2="${y}"/>`}${failureLine(scale)}`,
    sentence,
  );
}

const area = (from: number, to: number, scale: Scale, className: string, y: number, height: number): Html =>
  html`<rect class="${className}" x="${percent(from, scale)}" width="${percent(to - from, scale)}" y="${y}" height="${height}"/>`;

function thinned<T>(steps: readonly T[]): readonly T[] {
  const every = Math.ceil(steps.length / MOST_STEPS);
  return every <= 1 ? steps : steps.filter((_, i) => i % every === 0 || i === steps.length - 1);
}

// ── Hosts ──────────────────────────────────────────────────────────────────────────────────────────────────────────

function side(title: string, hosts: readonly HostRow[], scale: Scale): Html | undefined {
  if (hosts.length === 0) return undefined;
  const shown = shownOf(hosts);
  const rest =
    shown.length < hosts.length && html`: ${shown.length} of ${hosts.length}; the record has them all`;
  return html`<p class="side">${title}${rest}</p>
${shown.map(({ host, as }) =>
  row(
    html`<span class="id">${host.instanceId}</span><small>${as ?? host.zone}</small>`,
    18,
    hostBars(host, scale),
    hostSaid(host),
  ),
)}`;
}

function hostBars(host: HostRow, scale: Scale): Html {
  const bars = host.bars.map(({ kind, from, to }) => {
    return html`${rect({ from, to }, scale, kind, 3, 12, `${MEANINGS[kind]}: ${span(to - from)}`)}${word(WORDS[kind], from, to, scale, 13)}`;
  });
  const { registered } = host.milestones;
  const dot =
    registered !== undefined && html`<circle class="dot" cx="${percent(registered, scale)}" cy="9" r="3"/>`;
  const cross = host.hasFailed && scale.failedAt !== undefined && crossAt(scale.failedAt, scale);
  return html`${grid(scale)}${bars}${dot}${failureLine(scale)}${cross}`;
}

/** Places are percentages, so its strokes are drawn in a small picture of their own. */
const crossAt = (seconds: number, scale: Scale): Html =>
  html`<svg x="${percent(seconds, scale)}" y="9" width="1" height="1"><path class="halo" d="M-5-5L5 5M5-5L-5 5"/><path class="cross" d="M-5-5L5 5M5-5L-5 5"/></svg>`;

/** `i-1, ap-northeast-1a: EC2 starts it 12 s; boots, starts the application 40 s; new, in service 5 min` */
function hostSaid({ instanceId, zone, bars, hasFailed }: HostRow): string {
  const said = bars.map(({ kind, from, to }: Bar) => `${MEANINGS[kind]} ${span(to - from)}`);
  return `${instanceId}, ${zone}: ${said.join('; ') || 'nothing was seen of it'}${hasFailed ? '; named by the failure' : ''}.`;
}

function legend(hosts: readonly HostRow[], hasFailed: boolean): Html {
  const used = new Set(hosts.flatMap(({ bars }) => bars.map(({ kind }) => kind)));
  const kinds = (Object.keys(MEANINGS) as BarKind[]).filter((kind) => used.has(kind));
  const swatch = (content: Html) => html`<svg aria-hidden="true">${content}</svg>`;
  return html`<ul class="legend">
${kinds.map((kind) => html`<li>${swatch(html`<rect class="${kind}" width="12" height="12" rx="2.5"/>`)}${MEANINGS[kind]}</li>`)}
${hosts.some(({ milestones }) => milestones.registered !== undefined) && html`<li>${swatch(html`<circle class="dot" cx="6" cy="6" r="3.5"/>`)}registered in Mackerel</li>`}
${hasFailed && html`<li>${swatch(html`<line class="moment" x1="6" x2="6" y1="0" y2="12"/>`)}the failure</li>`}
</ul>`;
}
