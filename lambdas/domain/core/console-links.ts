/** Where an operator looks in AWS's console, from the ARN of what is looked at. */

/** Partition → the console's host. */
const CONSOLES: Readonly<Record<string, string>> = {
  aws: 'console.aws.amazon.com',
  'aws-cn': 'console.amazonaws.cn',
  'aws-us-gov': 'console.amazonaws-us-gov.com',
};

/** `arn:PARTITION:SERVICE:REGION:ACCOUNT:…` */
export function placeOf(arn: string): { partition: string; region: string; account: string } {
  const [, partition = '', , region = '', account = ''] = arn.split(':');
  return { partition, region, account };
}

/** The page of an execution: its graph, its events, its error and cause. */
export function executionUrl(executionArn: string): string {
  const { partition, region } = placeOf(executionArn);
  const host = CONSOLES[partition] ?? CONSOLES.aws;
  return `https://${region}.${host}/states/home?region=${region}#/v2/executions/details/${executionArn}`;
}
