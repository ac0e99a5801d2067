/** What may be read of an answer from outside: so much, so deep. Whatever answers could be anybody, or be broken. */
import { Readable } from 'node:stream';
import { DeploymentError } from '../../domain/core/errors.ts';

/** Ten times what the largest fleets have been answered with; a function has room for it. */
const MOST_BYTES = 32 * 1024 * 1024;
/** A refusal is only quoted. */
const MOST_REFUSED_BYTES = 64 * 1024;
const DEEPEST = 100;
/** Of a list; a page has up to a thousand entries. */
const MOST_PAGES = 100;

/** The text of a success; of a refusal, its beginning. @throws ServiceUnavailable when a success is too large */
export async function textOf(response: Response, who: string): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of upTo(MOST_BYTES, response.body ?? [], who)) {
    chunks.push(chunk);
    size += chunk.length;
    if (!response.ok && size >= MOST_REFUSED_BYTES) break;
  }
  const bytes = Buffer.concat(chunks);
  return new TextDecoder().decode(response.ok ? bytes : bytes.subarray(0, MOST_REFUSED_BYTES));
}

async function* upTo(most: number, body: AsyncIterable<Uint8Array> | Iterable<Uint8Array>, who: string) {
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > most) throw tooMuch(who, `${most / 1024 / 1024} MB`);
    yield chunk;
  }
}

/** With the field by which the SDK knows an error that needs no hint of its own. */
const tooMuch = (who: string, what: string): DeploymentError =>
  Object.assign(
    new DeploymentError(
      'ServiceUnavailable',
      `${who} answered with more than ${what}, which was not read to its end: nothing was concluded from it. ` +
        'Is it a proxy that answers, or a list that has grown out of all bounds? Look at it, then try again.',
    ),
    { $metadata: {} },
  );

/** What all pages of a list have, which may go on, but not for ever. @throws ServiceUnavailable */
export async function itemsOf<Page, T>(
  pages: AsyncIterable<Page>,
  found: (page: Page) => readonly T[] | undefined,
): Promise<T[]> {
  const items: T[] = [];
  let read = 0;
  for await (const page of pages) {
    read += 1;
    assertEnds(read);
    items.push(...(found(page) ?? []));
  }
  return items;
}

export function assertEnds(pages: number): void {
  if (pages > MOST_PAGES) throw tooMuch('AWS', `${MOST_PAGES} pages of a list`);
}

/** @throws SyntaxError; its words never quote the text, as those of `JSON.parse` do */
export function jsonIn(text: string): unknown {
  if (depthOf(text) > DEEPEST) throw new SyntaxError('nested too deeply');
  try {
    return JSON.parse(text);
  } catch {
    throw new SyntaxError('not JSON');
  }
}

function depthOf(text: string): number {
  let [depth, deepest, isQuoted] = [0, 0, false];
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at] ?? '';
    if (isQuoted && character === '\\') at += 1;
    else if (character === '"') isQuoted = !isQuoted;
    else if (isQuoted) continue;
    else if ('[{'.includes(character)) deepest = Math.max(deepest, ++depth);
    else if (']}'.includes(character)) depth -= 1;
  }
  return deepest;
}

/** What of an SDK client is used here: each has types of its own for the same. */
interface SdkClient {
  readonly middlewareStack: {
    add(middleware: (next: Send, context: Context) => Send, options: object): void;
  };
}
interface Context {
  readonly commandName?: string;
}
type Send = (call: { readonly request: { readonly hostname?: string } }) => Promise<{
  readonly response: { body?: Readable };
}>;

/** The same client: it reads no answer that is too large, but for an object, which is not read into memory. */
export function bounded<Client extends object>(client: Client): Client {
  const { middlewareStack } = client as Client & SdkClient;
  middlewareStack.add(
    (next, { commandName }) =>
      async (call) => {
        const answer = await next(call);
        const { body } = answer.response;
        if (body && commandName !== 'GetObjectCommand')
          answer.response.body = Readable.from(upTo(MOST_BYTES, body, call.request.hostname ?? 'AWS'));
        return answer;
      },
    { step: 'deserialize', priority: 'low', name: 'bounded', override: true },
  );
  return client;
}
