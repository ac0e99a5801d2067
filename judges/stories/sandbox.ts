/**
 * A sandbox as Lambda's: a process with the function's variables and its role's credentials, which loads the handler from
 * the unmodified bundle and answers one invocation after the other. Arguments: the folder of the code, `file.export`.
 */
import { pathToFileURL } from 'node:url';
import { installClock, setClock } from './clock.ts';

interface Asked {
  readonly now: number;
  readonly payload: string;
}

installClock();
const [, , code = '', named = ''] = process.argv;
const [file = '', name = ''] = named.split('.');
const loaded = import(pathToFileURL(`${code}/${file}.mjs`).href);

process.on('message', async ({ now, payload }: Asked) => {
  setClock(now);
  try {
    const handler = (await loaded)[name] as (event: unknown) => Promise<unknown>;
    process.send?.({ payload: JSON.stringify((await handler(JSON.parse(payload))) ?? null) });
  } catch (error) {
    // https://docs.aws.amazon.com/lambda/latest/dg/nodejs-exceptions.html
    const { name: errorType = 'Error', message: errorMessage = String(error), stack = '' } = Object(error);
    const told = { errorType, errorMessage, trace: String(stack).split('\n') };
    process.send?.({ failed: true, payload: JSON.stringify(told) });
  }
});
