/** An environment's AWS account, with the credentials that the AWS CLI would use: profile, SSO, environment, role. */

import { EC2Client } from '@aws-sdk/client-ec2';
import { ElasticLoadBalancingClient } from '@aws-sdk/client-elastic-load-balancing';
import { ElasticLoadBalancingV2Client } from '@aws-sdk/client-elastic-load-balancing-v2';
import { S3Client } from '@aws-sdk/client-s3';
import { defaultProvider } from '@aws-sdk/credential-provider-node';
import { artifactsAdapter } from '../../../lambdas/clients/artifacts.ts';
import { ec2Adapter } from '../../../lambdas/clients/ec2.ts';
import { executionsAdapter } from '../../../lambdas/clients/executions.ts';
import { systemClock } from '../../../lambdas/clients/handler.ts';
import { ledgerAdapter } from '../../../lambdas/clients/ledger.ts';
import { loadBalancersAdapter } from '../../../lambdas/clients/load-balancers.ts';
import { mackerelClient } from '../../../lambdas/clients/mackerel.ts';
import { parametersAdapter } from '../../../lambdas/clients/parameters.ts';
import { recordsAdapter } from '../../../lambdas/clients/records.ts';
import { jsonCaller } from '../../../lambdas/clients/wire/aws-json.ts';
import { AWS_CLIENT_OPTIONS } from '../../../lambdas/clients/wire/aws-options.ts';
import type { AwsQueryOptions } from '../../../lambdas/clients/wire/aws-query.ts';
import { apiKeyReader } from '../../../lambdas/domain/core/api-key.ts';
import { DeploymentError } from '../../../lambdas/domain/core/errors.ts';
import { stackName } from '../../../lambdas/domain/core/names.ts';
import type { CommandPorts, Connection } from '../../../lambdas/ports/command.ts';
import type { Ledger } from '../../../lambdas/ports/ledger.ts';
import type { Environment } from '../../../lib/read-fleets.ts';
import { deleteStack, findCaller, stackOutputs } from './aws-query.ts';
import { inspectorAdapter } from './inspector.ts';
import { pause } from './pause.ts';
import { taggerAdapter } from './tagger.ts';

export async function connect(environment: Environment): Promise<Connection> {
  const { region } = environment;
  // The environment's Region, whatever the shell's is.
  const options = { region, credentials: defaultProvider({ clientConfig: { region } }) };
  const caller = await findCaller(options);
  let ports: CommandPorts | undefined;
  return {
    caller,
    ports: async () => {
      ports ??= livePorts(environment, options);
      return ports;
    },
  };
}

function livePorts(environment: Environment, options: AwsQueryOptions): CommandPorts {
  const clientOptions = { ...AWS_CLIENT_OPTIONS, ...options };
  const ec2 = new EC2Client(clientOptions);
  const classic = new ElasticLoadBalancingClient(clientOptions);
  const targetGroups = new ElasticLoadBalancingV2Client(clientOptions);
  const s3 = new S3Client(clientOptions);
  const parameters = parametersAdapter(options);
  return {
    clock: systemClock,
    ec2: ec2Adapter(ec2),
    tagger: taggerAdapter(ec2),
    loadBalancers: loadBalancersAdapter({ classic, targetGroups }),
    mackerel: mackerelClient({ apiKey: apiKeyReader(parameters, environment.apiKeyParameter) }),
    artifacts: artifactsAdapter(s3),
    records: recordsAdapter(options),
    parameters,
    ledger: liveLedger(environment, options),
    executions: executionsAdapter(options),
    inspector: inspectorAdapter({ ec2, classic, targetGroups, s3, options }),
    remover: { deleteStack: (name) => deleteStack(options, name) },
    pause,
  };
}

/** The table's name is looked up at the first request: a command that needs no lock needs no stack. */
function liveLedger(environment: Environment, options: AwsQueryOptions): Ledger {
  const call = jsonCaller('dynamodb', options);
  let tableName: Promise<string> | undefined;
  return ledgerAdapter({
    tableName: '',
    call: async (request) => {
      tableName ??= ledgerTableName(environment, options);
      return call({ ...request, input: { ...request.input, TableName: await tableName } });
    },
  });
}

/** CloudFormation makes up the table's name; it is an output of the stack. */
const LEDGER_OUTPUT = 'LedgerTable';

async function ledgerTableName({ name }: Environment, options: AwsQueryOptions): Promise<string> {
  const stack = stackName(name);
  const table = (await stackOutputs(options, stack)).get(LEDGER_OUTPUT);
  if (table !== undefined) return table;
  throw new DeploymentError(
    'ServiceRefused',
    `The stack ${stack} has no output for its ledger: it was deployed before there was one. Deploy it again ` +
      `(npx cdk deploy ${stack}).`,
  );
}
