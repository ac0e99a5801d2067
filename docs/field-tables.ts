/**
 * Tables of fields: what is allowed and the defaults come from the schema, what a field is for from its doc
 * comment. So the tables match the checks and the code.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type * as v from 'valibot';
import { DeploymentInput } from '../lambdas/domain/core/input.ts';
import { PromotionInput } from '../lambdas/domain/promotion/input.ts';
import { EnvironmentConfig, FleetConfig } from '../lib/fleet-config.ts';
import { code, table } from './markdown.ts';

const PROJECT = join(import.meta.dirname, '..');

/** A valibot schema, as far as these tables look into one. */
export interface Schema {
  readonly type: string;
  readonly message?: unknown;
  readonly wrapped?: Schema;
  readonly default?: unknown;
  readonly item?: Schema;
  readonly entries?: Readonly<Record<string, Schema>>;
  readonly options?: readonly (Schema | string)[];
  readonly literal?: unknown;
  readonly pipe?: readonly { readonly message?: unknown }[];
}

export const schemaOf = (schema: v.GenericSchema) => schema as unknown as Schema;

export function inputTable(): string {
  const comments = commentsOf('lambdas/domain/core/input.ts');
  return fieldTable(schemaOf(DeploymentInput), 'FIELDS', comments);
}

export function promotionInputTable(): string {
  return fieldTable(schemaOf(PromotionInput), 'FIELDS', commentsOf('lambdas/domain/promotion/input.ts'));
}

export function fleetTable(): string {
  return fieldTable(schemaOf(FleetConfig), 'FleetConfig', commentsOf('lib/fleet-config.ts'));
}

export function environmentTable(): string {
  return fieldTable(schemaOf(EnvironmentConfig), 'EnvironmentConfig', commentsOf('lib/fleet-config.ts'));
}

function fieldTable(schema: Schema, home: string, comments: Comments): string {
  const rows = fieldRows(schema, '', home, comments);
  return table(['field', 'allowed', 'default', 'what for'], rows);
}

function fieldRows(schema: Schema, prefix: string, home: string, comments: Comments): string[][] {
  return Object.entries(schema.entries ?? {}).flatMap(([name, field]) => {
    const { comment = '', schemaName = '' } = comments.fields.get(`${home}.${name}`) ?? {};
    const inner = field.wrapped ?? field;
    const path = `${prefix}${name}`;
    const row = [code(path), allowed(inner), defaultOf(field), withoutDefault(comment)];
    return [row, ...innerRows(inner, path, schemaName, comments)];
  });
}

/** Rows for a field's content, if that has fields itself. */
function innerRows(schema: Schema, path: string, home: string, comments: Comments): string[][] {
  if (schema.type === 'array' && schema.item) return innerRows(schema.item, `${path}[]`, home, comments);
  if (schema.type === 'variant') {
    return (schema.options ?? []).map((option, index) =>
      variantRow(option as Schema, path, comments.options.get(`${home}.${index}`) ?? ''),
    );
  }
  return schema.entries ? fieldRows(schema, `${path}.`, home, comments) : [];
}

/** One way to write a field: `{ from: 'parameter', parameter }`. */
function variantRow({ entries = {} }: Schema, path: string, comment: string): string[] {
  const shape = Object.entries(entries).map(([name, field]) => {
    const literal = field.type === 'literal' ? `: '${String(field.literal)}'` : '';
    return `${name}${field.type === 'optional' ? '?' : ''}${literal}`;
  });
  const fields = Object.entries(entries)
    .filter(([, field]) => field.type !== 'literal')
    .map(([name, field]) => `${code(name)}: ${allowed(field.wrapped ?? field)}`);
  return [code(path), `${code(`{ ${shape.join(', ')} }`)}<br>${fields.join('<br>')}`, '', comment];
}

/** The words of the schema's own messages. */
function allowed(schema: Schema): string {
  if (schema.type === 'picklist')
    return (schema.options ?? []).map((option) => code(String(option))).join(' or ');
  if (schema.type === 'variant') return 'one of:';
  if (schema.type === 'strict_object') return 'an object:';
  const messages = [schema.message, ...(schema.pipe ?? []).map(({ message }) => message)];
  const told = [...new Set(messages.filter((message) => typeof message === 'string'))];
  const words =
    told.length > 1 && told[0] === 'a string' && !told[1]?.startsWith('at most') ? told.slice(1) : told;
  const item = schema.item && schema.item.entries === undefined ? allowed(schema.item) : '';
  return [words.join(', '), item && item !== 'one of:' && `each ${item}`].filter(Boolean).join('; ');
}

function defaultOf({ type, default: value }: Schema): string {
  if (type !== 'optional') return '**required**';
  return value === undefined || JSON.stringify(value) === '{}' ? '' : code(JSON.stringify(value));
}

/** The column beside it has the default. */
const withoutDefault = (comment: string) => comment.replace(/\s*Default: `?[\w/.-]+`?\.$/, '');

// ── Doc comments ───────────────────────────────────────────────────────────────────────────────────────────────────

export interface Comments {
  /** `Constant.field` → its comment, and the constant that holds its schema. */
  readonly fields: ReadonlyMap<string, { readonly comment: string; readonly schemaName: string }>;
  /** `Constant.index` → the comment of a variant's option. */
  readonly options: ReadonlyMap<string, string>;
}

/** Read line by line, in the format that the formatter enforces: TypeScript 7 has no compiler API. */
export function commentsOf(file: string): Comments {
  const fields = new Map<string, { comment: string; schemaName: string }>();
  const options = new Map<string, string>();
  const source = readFileSync(join(PROJECT, file), 'utf8');
  const declarations = source.split(/^(?=(?:export )?const )/m);
  for (const declaration of declarations) {
    const home = /^(?:export )?const (\w+)/.exec(declaration)?.[1] ?? '';
    const items = declaration.matchAll(
      /(?:\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\s*)?^ {2}(?:(\w+): (.*)|(only\(\{).*)$/gm,
    );
    let option = 0;
    for (const [, comment = '', field, rest = '', isOption] of items) {
      const words = comment
        .replace(/^\s*\*/gm, '')
        .replace(/\s+/g, ' ')
        .trim();
      if (isOption !== undefined) options.set(`${home}.${option++}`, words);
      if (field === undefined) continue;
      fields.set(`${home}.${field}`, {
        comment: words,
        schemaName: /\b[A-Z]\w*[a-z]\w*\b/.exec(rest)?.[0] ?? '',
      });
    }
  }
  return { fields, options };
}
