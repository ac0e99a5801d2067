/** Tables of what irekae reports when a deployment has ended: the event's fields, and the metrics. */
import { serviceMetricsOf } from '../lambdas/domain/record/mackerel-news.ts';
import {
  DURATIONS,
  METRICS,
  SPAN_SAYS,
  SPANS,
  type SpanName,
  WHOLE_SAYS,
} from '../lambdas/domain/record/metrics.ts';
import { DeploymentEnded } from '../lambdas/domain/record/news.ts';
import { type Comments, commentsOf, type Schema, schemaOf } from './field-tables.ts';
import { code, table } from './markdown.ts';

export function eventTable(): string {
  const rows = fieldRows(schemaOf(DeploymentEnded), '', commentsOf('lambdas/domain/record/news.ts'));
  return table(['field', 'value', 'there', 'what it says'], rows);
}

function fieldRows({ entries = {} }: Schema, prefix: string, comments: Comments): string[][] {
  return Object.entries(entries).flatMap(([name, field]) => {
    const inner = field.wrapped ?? field;
    const comment = prefix === '' ? (comments.fields.get(`FIELDS.${name}`)?.comment ?? '') : '';
    const there = field.type === 'exact_optional' ? 'sometimes' : 'always';
    const row = [code(`${prefix}${name}`), wordOf(inner), there, comment];
    return [row, ...fieldRows(inner.item ?? inner, `${prefix}${name}${inner.item ? '[]' : ''}.`, comments)];
  });
}

/** @throws Error for a kind of value that this table cannot describe. */
function wordOf({ type, options = [], literal }: Schema): string {
  if (type === 'picklist') return options.map((option) => code(String(option))).join(' or ');
  if (type === 'literal') return code(JSON.stringify(literal));
  const words = { string: 'a string', number: 'a number', boolean: 'true or false' };
  const objects = { strict_object: 'an object:', array: 'a list of:', record: 'an object of numbers' };
  const told = { ...words, ...objects }[type];
  if (told === undefined) throw new Error(`There is no word for a value of type ${type}.`);
  return told;
}

export function metricTable(): string {
  const rows = Object.entries(METRICS).map(([name, { unit, dimensions, says }]) => [
    code(name),
    unit,
    dimensions.map(code).join(', '),
    says,
  ]);
  return table(['metric', 'unit', 'by', 'what it says'], rows);
}

export const durationTable = (): string =>
  table(
    ['field', 'what it says'],
    DURATIONS.map(([field, says]) => [code(field), says]),
  );

/** For one role; the names come from the function that makes them. */
export function serviceMetricTable(): string {
  const news = {
    result: 'deployed',
    seconds: 0,
    phases: Object.fromEntries(SPANS.map(({ name }) => [name, 0])),
  };
  const names = serviceMetricsOf('ROLE', news as unknown as DeploymentEnded).map(({ name }) => name);
  const rows = names.map((name) => [code(name), saysOf(name)]);
  return table(['service metric', 'what it says'], rows);
}

function saysOf(name: string): string {
  const span = SPANS.find((each) => name.endsWith(`.seconds.${each.name.replaceAll(' ', '-')}`));
  if (span) return SPAN_SAYS[span.name as SpanName];
  return name.endsWith('.failures')
    ? '1 for a deployment that failed, 0 for one that did not (or was cancelled).'
    : WHOLE_SAYS;
}
