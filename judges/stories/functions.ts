/**
 * Lambda, as far as Step Functions asks it: *Invoke*, with sandboxes that are kept and of which one runs one invocation at
 * a time. https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import type { Deployed } from './deployment.ts';
import type { Credentials } from './roles.ts';

export interface Invocation {
  readonly name: string;
  readonly payload: string;
}

export interface FunctionsOptions {
  readonly functions: readonly Deployed[];
  readonly sandbox: string;
  readonly credentialsOf: (role: string) => Credentials;
  /** Trusted by the sandboxes; a file. */
  readonly certificate: string;
  /** An open file for what the sandboxes say. */
  readonly log: number;
  /** Told before each invocation runs. */
  readonly onInvoke: (invocation: Invocation) => Promise<void>;
  /** Told what time it is, in seconds. */
  readonly setClock: (seconds: number) => void;
}

interface Answer {
  readonly payload: string;
  readonly failed?: true;
}

export async function serveFunctions(port: number, options: FunctionsOptions): Promise<void> {
  const idle = new Map<string, ChildProcess[]>();
  const run = async (name: string, now: number, payload: string): Promise<Answer> => {
    const deployed = options.functions.find((each) => each.name === name);
    if (!deployed) throw new Error(`There is no function ${name}.`);
    const sandbox = idle.get(name)?.pop() ?? begun(deployed, options);
    sandbox.send({ now, payload });
    const answer = await new Promise<Answer>((resolve) => {
      sandbox.once('message', (said) => resolve(said as Answer));
      sandbox.once('exit', (code) => resolve(exited(String(code))));
    });
    sandbox.removeAllListeners();
    if (sandbox.connected) idle.set(name, [...(idle.get(name) ?? []), sandbox]);
    return answer;
  };
  const server = createServer(async (request, response) => {
    const payload = await text(request);
    const [, named = ''] = /\/functions\/([^/]+)\/invocations/.exec(request.url ?? '') ?? [];
    // By its ARN, with the version at the end.
    const [, name = ''] = /(?:^|function:)([^:]+)(?::\w+)?$/.exec(decodeURIComponent(named)) ?? [];
    const now = Number(request.headers['x-now']);
    options.setClock(now);
    await options.onInvoke({ name, payload });
    const { failed, payload: answer } = await run(name, now, payload);
    response.writeHead(200, failed ? { 'x-amz-function-error': 'Unhandled' } : {});
    response.end(answer);
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
}

/** As Lambda tells of a sandbox that died. */
const exited = (code: string): Answer => ({
  failed: true,
  payload: JSON.stringify({ errorType: 'Runtime.ExitError', errorMessage: `Runtime exited: ${code}` }),
});

/** https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime */
function begun({ name, region, code, handler, role, variables }: Deployed, options: FunctionsOptions) {
  const { accessKeyId, secretAccessKey, sessionToken } = options.credentialsOf(role);
  return fork(options.sandbox, [code, handler], {
    execArgv: [],
    stdio: ['ignore', options.log, options.log, 'ipc'],
    env: {
      ...{ AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey },
      ...{ AWS_SESSION_TOKEN: sessionToken, AWS_REGION: region, AWS_DEFAULT_REGION: region },
      ...{ AWS_LAMBDA_FUNCTION_NAME: name, AWS_LAMBDA_FUNCTION_VERSION: '$LATEST', TZ: ':UTC' },
      ...variables,
      // Ours: where there is only one authority, and where Node is.
      ...{ NODE_EXTRA_CA_CERTS: options.certificate, PATH: process.env.PATH },
    },
  });
}
