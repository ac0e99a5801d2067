/** How a step becomes a Lambda function: live ports, one structured log line with what it found, errors by name. */
import { Logger } from '@aws-lambda-powertools/logger';
import { masked } from '../domain/core/secrets.ts';
import { type Step, saidBy } from '../domain/core/step.ts';
import { printable } from '../domain/core/words.ts';
import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';

export const systemClock: Clock = { now: () => new Date() };

/** What every log line says: which fleet, which deployment, which step. */
interface Whose {
  readonly fleet?: { readonly name?: string; readonly mackerel?: { readonly apiKeyParameter?: string } };
  readonly execution?: { readonly name?: string };
}

const logger = new Logger();

/** Lines beside the step's own, with the same keys. */
export const systemLog: Log = {
  info: (sentence, fields = {}) => logger.info(printable(sentence), fields),
  warn: (sentence, fields = {}) => logger.warn(printable(sentence), fields),
};

/**
 * The handler of a step. Ports are made per invocation from the document (the API key's parameter is the fleet's);
 * their SDK clients live as long as the function's sandbox.
 */
export function lambdaHandler<Needed extends object, Result>(
  step: Step<Needed, Result>,
  livePorts: (apiKeyParameter: string) => NoInfer<Needed>,
): (document: unknown) => Promise<Result> {
  return async (document) => {
    const { fleet, execution } = whose(document);
    logger.resetKeys();
    logger.appendKeys({ fleet: fleet?.name, deployment: execution?.name, step: step.name });
    try {
      const result = withoutSecrets(
        await step.run(document, livePorts(fleet?.mackerel?.apiKeyParameter ?? '')),
      );
      logger.info(printable(saidBy(result)));
      return result;
    } catch (error) {
      // Name and sentence only: a raw error may carry a request, and a request may carry a key (rule 11).
      const told = error instanceof Error ? error : new Error(String(error));
      // What is not ours was not shown yet. Lambda puts both into the execution's history.
      told.message = printable(told.message);
      told.stack = masked(told.stack ?? '');
      logger.error(told.message, { failure: told.name });
      throw told;
    }
  };
}

/** The document travels, and is kept: what a console or a name echoed stays out of it. */
function withoutSecrets<Result>(result: Result): Result {
  const text = JSON.stringify(result);
  const clean = text && masked(text);
  return clean === text ? result : JSON.parse(clean);
}

/** To some states the story says something beside the document. */
function whose(given: unknown): Whose {
  const { document = given } = Object(given) as { readonly document?: unknown };
  return Object(document) as Whose;
}
