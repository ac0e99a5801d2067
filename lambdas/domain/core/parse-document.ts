/** What comes to a step from outside: the document at its door, and in it the input of the execution. */
import * as v from 'valibot';
import { DeploymentError, isFailure } from './errors.ts';
import { problems } from './problems.ts';
import { firstOf, plain } from './words.ts';

/**
 * @param needs the keys that other steps must have written
 * @throws StepCrashed when it is no document that the story could have written (a step run by hand, or out of order)
 */
export function parseDocument<S extends v.GenericSchema>(
  schema: S,
  document: unknown,
  needs: readonly (keyof v.InferOutput<S>)[],
): v.InferOutput<S> {
  const parsed = v.safeParse(schema, document);
  if (!parsed.success) {
    const where = parsed.issues.map((issue) => v.getDotPath(issue) ?? '(document)');
    throw new DeploymentError(
      'StepCrashed',
      `The document does not have the shape that this step needs, at ${firstOf(where.map((path) => plain(path, 80))).join(', ')}. ` +
        'Steps are started by the state machine, not by hand; redeploy the stack if both versions differ.',
    );
  }
  const missing = needs.filter((key) => parsed.output[key] === undefined);
  if (missing.length > 0) {
    throw new DeploymentError('StepCrashed', `This step runs after others that wrote ${missing.join(', ')}.`);
  }
  return parsed.output;
}

/** What was asked for, and through which door for overrides, if any; so it says. */
export function askedOf(input: unknown): { readonly asked: unknown; readonly door?: string } {
  const { door, asked } = Object(input) as { door?: unknown; asked?: unknown };
  return typeof door === 'string' ? { asked, door } : { asked: input };
}

/** For what comes at the end: the input may be the very thing that was wrong, and then the document goes without. */
export function despiteBadInput<T>(document: unknown, parse: (document: unknown) => T): T {
  try {
    return parse(document);
  } catch (error) {
    if (!isFailure(error, 'InvalidInput')) throw error;
    return parse({ ...(document as object), input: {} });
  }
}

/**
 * @param without what an execution without input does
 * @param more what else is wrong with it
 * @throws InvalidInput with all problems, each with the value given and what is allowed.
 */
export function parseExecutionInput<S extends v.GenericSchema>(
  schema: S,
  input: unknown,
  without: string,
  more: readonly string[] = [],
): v.InferOutput<S> {
  // JSON arrays are objects to the schema library; an empty one would pass as {}.
  const parsed = v.safeParse(schema, Array.isArray(input) ? 'an array' : input);
  const list = [...(parsed.success ? [] : problems(parsed.issues)), ...more];
  if (parsed.success && list.length === 0) return parsed.output;
  throw new DeploymentError(
    'InvalidInput',
    `${list.length === 1 ? 'One problem' : `${list.length.toLocaleString('en')} problems`} with the execution input: ${firstOf(list).join('; ')}. ` +
      `Start again with input as docs/input.md describes; {} ${without}.`,
  );
}
