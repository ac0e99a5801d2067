/**
 * What AWS throws, told in names of the closed list. Errors are matched by `name` (each bundle has its own copy of
 * the SDK's classes, so `instanceof` lies), and only name and words are taken over: the SDK's error object also holds
 * the response with its socket and headers, which must not reach a log.
 */
import { DeploymentError } from '../../domain/core/errors.ts';
import { masked } from '../../domain/core/secrets.ts';
import { cut } from '../../domain/core/words.ts';

/** The parts of an SDK error that are looked at. */
interface AwsError extends Error {
  readonly $fault?: 'client' | 'server';
  readonly $metadata?: { readonly httpStatusCode?: number };
  readonly $response?: { readonly headers?: Readonly<Record<string, string>> };
  /** Node's and undici's code of a network failure. */
  readonly code?: string;
}

/** Names that mean "slow down" or "not now" although their HTTP status does not say so. */
const PASSING_NAMES = new Set([
  'BandwidthLimitExceeded',
  'DependencyThrottleException',
  'EC2ThrottledException',
  'HealthUnavailableException',
  'InternalError',
  'InternalFailure',
  'InternalServerError',
  'PriorRequestNotComplete',
  'PriorRequestNotCompleteException',
  'RequestLimitExceeded',
  'RequestThrottled',
  'RequestThrottledException',
  'RequestTimeout',
  'RequestTimeoutException',
  'ServiceUnavailable',
  'SlowDown',
  'ThrottledException',
  'Throttling',
  'ThrottlingException',
  'TimeoutError',
  'TooManyRequestsException',
  'Unavailable',
]);

/** Runs one request; what AWS throws comes out as a failure of the closed list. `doing` completes "could not …". */
export async function asking<T>(doing: string, request: () => Promise<T>): Promise<T> {
  try {
    return await request();
  } catch (error) {
    throw failureOf(error, doing);
  }
}

/** The failure that an error of AWS amounts to. A bug of ours (a TypeError, say) is given back as it is. */
export function failureOf(error: unknown, doing: string): unknown {
  // Already told. By class and not by name: S3 too has an error called ServiceUnavailable.
  if (error instanceof DeploymentError) return error;
  if (mayPass(error)) return unavailable(doing, wordsOf(error));
  if (isElsewhere(error))
    return new DeploymentError(
      'ServiceRefused',
      `AWS refused to ${doing}: ${wordsOf(error)}: the bucket is in ${regionToldBy(error) ?? 'another Region'}, and not where it was asked for. The bucket of an environment has to be in its Region: correct existingBucket or region in the fleets file.`,
    );
  if (isAwsError(error)) {
    return new DeploymentError(
      'ServiceRefused',
      `AWS refused to ${doing}: ${wordsOf(error)}. Check what was asked for, and the permissions of who asked: the step's role, or yours if you ran a command.`,
    );
  }
  return error;
}

/** "Not now": for what may succeed when it is tried again. */
export function unavailable(doing: string, words: string): DeploymentError {
  return new DeploymentError(
    'ServiceUnavailable',
    `AWS could not ${doing} now: ${words}. It may pass: try again, and look at the AWS Health Dashboard if it stays.`,
  );
}

/** May the same request succeed later? Throttling, 5xx, network, time-out, an answer that was cut off. */
export function mayPass(error: unknown): error is Error {
  if (!(error instanceof Error)) return false;
  const status = httpStatusOf(error);
  if (PASSING_NAMES.has(error.name)) return true;
  if (status !== undefined && (status >= 500 || status === 429)) return true;
  return isNetworkFailure(error) || isUnreadableAnswer(error);
}

/** Has the error one of these names? */
export function isNamed(error: unknown, ...names: readonly string[]): error is Error {
  return error instanceof Error && names.includes(error.name);
}

/** The HTTP status that AWS answered with, if it answered at all. */
export function httpStatusOf(error: unknown): number | undefined {
  return error instanceof Error ? (error as AwsError).$metadata?.httpStatusCode : undefined;
}

const MAX_WORDS = 300;

/**
 * Name and words of an error, fit for an operator. Cut off are EC2's encoded authorization message (1 KB that nobody
 * can read) and the canonical request that a signature error quotes (it holds the session token).
 */
export function wordsOf(error: Error): string {
  const said = isUnreadableAnswer(error) ? 'the answer could not be read' : error.message;
  const [first = ''] = said.split(/Encoded authorization|The Canonical String|String-to-Sign|\n/, 1);
  const words = cut(masked(first).trim(), MAX_WORDS).replace(/(?<!\.)\.+$/, '');
  return words === '' || words === error.name ? error.name : `${error.name}: ${words}`;
}

/** S3 sends who asks for a bucket of another Region there; to a HEAD it says nothing else, and the SDK has no name for it. */
const isElsewhere = (error: unknown): error is Error =>
  isNamed(error, 'PermanentRedirect') || httpStatusOf(error) === 301;

const regionToldBy = (error: Error): string | undefined =>
  (error as AwsError).$response?.headers?.['x-amz-bucket-region'];

/** Did AWS itself say no? The SDK sets `$fault` on what it read from an error answer. */
function isAwsError(error: unknown): error is AwsError {
  return error instanceof Error && (error as AwsError).$fault !== undefined;
}

/** An answer that began well and could not be parsed (a cut connection): the SDK attaches the raw response. */
function isUnreadableAnswer(error: Error): boolean {
  return '$response' in error && (error as AwsError).$fault === undefined;
}

/** ECONNRESET and its kin, and what `fetch` makes of them; not Node's ERR_… for wrong arguments. */
function isNetworkFailure(error: Error): boolean {
  if (error instanceof TypeError && error.message === 'fetch failed') return true;
  // A body that breaks off is a TypeError "terminated"; what happened is in its cause.
  const code = (error as AwsError).code ?? (error.cause as AwsError | undefined)?.code;
  if (typeof code !== 'string') return false;
  return (
    code === 'ERR_STREAM_PREMATURE_CLOSE' || code.startsWith('UND_ERR_') || /^E(?!RR_)[A-Z_]+$/.test(code)
  );
}
