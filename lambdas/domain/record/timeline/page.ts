/**
 * The page of a deployment: a self-contained HTML file beside its record, for people who want to see what happened. No
 * script, nothing loaded from anywhere; everything that comes from outside is escaped. A record from before there were
 * timelines has a page too, without the picture.
 */

import type { FailureName } from '../../core/errors.ts';
import { FAILURES } from '../../core/failures.ts';
import { count, secondsBetween, span } from '../../core/words.ts';
import type { DeploymentRecord } from '../record.ts';
import { leftovers } from '../to-do.ts';
import { chart } from './chart.ts';
import { type Html, html } from './html.ts';
import { linksOf } from './links.ts';
import { clock, day, period } from './moments.ts';
import { changes, compared, consoles, hostTables, phaseTable, story, timeSpent } from './sections.ts';
import { POLICY, STYLE } from './style.ts';

export function timelinePage(record: DeploymentRecord): string {
  const { timeline } = record;
  const drawn = timeline && { ...record, timeline };
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<meta name="robots" content="noindex">
<title>${titleOf(record)}</title>
<style>${STYLE_ELEMENT}</style>
</head>
<body>
<main>
${header(record)}
${drawn && section('timeline', 'Timeline', chart(drawn))}
${record.compared && section('compared', 'Old against new', compared(record.compared))}${(record.consoles || record.kept) && section('consoles', 'What the failed hosts said', consoles(record))}
${section('time', 'Where the time went', timeline?.bound?.atBest ? timeSpent(timeline.bound) : phaseTable(record))}
${section('changes', changesTitle(record), changes(record))}
${drawn && section('story', 'What happened', story(drawn))}
${section('hosts', 'Hosts', drawn ? hostTables(drawn) : hostIds(record))}
${strangers(record)}
${section('links', 'Look closer', links(record))}
${footer(record)}
</main>
</body>
</html>
`.text;
}

/** Nothing in it ends a style element, and the policy has the digest of exactly this text. */
const STYLE_ELEMENT = raw(STYLE);

function raw(text: string): Html {
  const pieces = Object.assign([text], { raw: [text] });
  return html(pieces);
}

const section = (
  id: string,
  title: string,
  content: Html,
): Html => html`<section aria-labelledby="${id}-title">
<h2 id="${id}-title">${title}</h2>
${content}</section>`;

const hasSucceeded = ({ outcome }: DeploymentRecord): boolean => outcome === 'Deployed';

/** `Deployed: reactio-production-app, Sun 22 Nov 2026 03:00 UTC` */
function titleOf({ outcome, fleet, startedAt }: DeploymentRecord): string {
  const at = new Date(startedAt);
  return `${outcome}: ${fleet}, ${day(at)} ${clock(at).slice(0, 5)} UTC`;
}

// ── The head ───────────────────────────────────────────────────────────────────────────────────────────────────────

/** In place of an outcome: it has not ended yet. */
export const RUNNING = 'Running';

/** The undone ones left nothing behind; after the others a human is needed. */
const TONES: Readonly<Record<string, 'good' | 'warn' | 'bad'>> = {
  Deployed: 'good',
  RolledBack: 'warn',
  Cancelled: 'warn',
  [RUNNING]: 'warn',
};

function header(record: DeploymentRecord): Html {
  const { outcome, fleet, startedAt, finishedAt, deployment } = record;
  const tone = TONES[outcome] ?? 'bad';
  const meaning = meaningOf(record);
  return html`<header>
<span class="badge ${tone}">${outcome}</span>
<h1>${fleet}</h1>
<p>${period(startedAt, finishedAt)}<br><span class="dim">Deployment <code>${deployment}</code></span></p>
${meaning !== undefined && html`<div class="why ${tone}"><p><strong>${sentenceOf(meaning)}</strong></p><p>${record.reason}</p></div>`}
${toDo(record)}${facts(record)}
</header>`;
}

function meaningOf({ outcome, finishedAt }: DeploymentRecord): string | undefined {
  if (outcome === RUNNING)
    return `it has not ended: this is what was known at ${clock(new Date(finishedAt))} UTC`;
  return outcome in FAILURES ? FAILURES[outcome as FailureName] : undefined;
}

/** Of one that was deployed: what is not as that says. */
function toDo({ fleet, atTheEnd = {} }: DeploymentRecord): Html | undefined {
  const left = leftovers(fleet, atTheEnd);
  if (left.length === 0) return undefined;
  return html`<div class="why warn">${left.map(
    (each) => html`<p><strong>${sentenceOf(each.what)}</strong></p><p>To do: ${each.toDo}.</p>`,
  )}</div>`;
}

const sentenceOf = (clause: string): string => `${clause.charAt(0).toUpperCase()}${clause.slice(1)}.`;

function facts(record: DeploymentRecord): Html {
  const { outcome, startedAt, finishedAt, startedBy, why, override = [], rolledBackTo, timeline } = record;
  const took = secondsBetween(startedAt, finishedAt);
  const best = timeline?.bound?.atBest && `at best ${span(timeline.bound.atBest)}`;
  const all: [string, string | undefined][] = [
    [outcome === RUNNING ? 'So far' : 'Took', [span(took), best].filter(Boolean).join(', ')],
    ['Hosts', hostsOf(record)],
    ['Started by, as the start says', startedBy],
    ['Why', why],
    ['Rolled back to', rolledBackTo],
    [
      'Overrides',
      override.length > 0 ? `${override.join(', ')}, through the machine for it, as AWS says` : undefined,
    ],
  ];
  return html`<dl class="facts">
${all.map(
  ([name, value]) =>
    value !== undefined &&
    html`<div><dt>${name}</dt><dd>${value}</dd></div>
`,
)}</dl>`;
}

const changesTitle = ({ outcome }: DeploymentRecord): string =>
  ({ Deployed: 'What changed', [RUNNING]: 'What changes' })[outcome] ?? 'What was to change';

function hostsOf(record: DeploymentRecord): string {
  const [fresh, old] = [record.newInstances.length, record.oldInstances.length];
  if (hasSucceeded(record)) return `${fresh} in, ${old} out`;
  return `${count(old, 'old one')}, ${fresh} launched`;
}

// ── The end ────────────────────────────────────────────────────────────────────────────────────────────────────────

function hostIds({ newInstances, oldInstances }: DeploymentRecord): Html {
  const ids = (title: string, all: readonly string[]) =>
    html`<p>${title}: <span class="id">${all.length === 0 ? 'none' : all.join(', ')}</span></p>
`;
  return html`${ids('New', newInstances)}${ids('Old', oldInstances)}`;
}

function strangers({ strangers: all }: DeploymentRecord): Html | undefined {
  if (all.length === 0) return undefined;
  const items = all.map(
    ({ name, why }) => html`<li><span class="id">${name}</span>: ${why}</li>
`,
  );
  return section(
    'strangers',
    'Left alone',
    html`<ul class="links">
${items}</ul>
`,
  );
}

function links(record: DeploymentRecord): Html {
  return html`<ul class="links">
${linksOf(record).map(
  ({ to, title }) => html`<li><a href="${to}" rel="noreferrer noopener">${title}</a></li>
`,
)}<li>The execution: <span class="id">${record.execution}</span></li>
</ul>
`;
}

const footer = ({ environment }: DeploymentRecord): Html =>
  html`<footer><small>irekae, environment ${environment}. All times are UTC. What is told of hosts is what the deployment’s looks saw, each at most one pause between two looks late.</small></footer>`;
