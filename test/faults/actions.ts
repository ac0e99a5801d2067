/** What IAM is asked about when a step calls a port: written down by hand, beside the adapters. */

const CALLS: Readonly<Record<string, readonly string[]>> = {
  'ec2.describe': ['ec2:DescribeInstances'],
  'ec2.listByTag': ['ec2:DescribeInstances'],
  'ec2.listByToken': ['ec2:DescribeInstances'],
  'ec2.launch': ['ec2:RunInstances', 'ec2:CreateTags'],
  'ec2.terminate': ['ec2:TerminateInstances'],
  'ec2.tag': ['ec2:CreateTags'],
  'ec2.consoleOutput': ['ec2:GetConsoleOutput'],
  'ec2.findImage': ['ec2:DescribeImages'],
  'ec2.matchingImages': ['ec2:DescribeImages'],
  'ec2.templateVersion': ['ec2:DescribeLaunchTemplateVersions'],
  'ec2.subnets': ['ec2:DescribeSubnets'],
  'loadBalancers.settings': [
    'elasticloadbalancing:DescribeLoadBalancers',
    'elasticloadbalancing:DescribeLoadBalancerAttributes',
    'elasticloadbalancing:DescribeTargetGroups',
    'elasticloadbalancing:DescribeTargetGroupAttributes',
  ],
  'loadBalancers.members': [
    'elasticloadbalancing:DescribeInstanceHealth',
    'elasticloadbalancing:DescribeTargetHealth',
  ],
  'loadBalancers.register': [
    'elasticloadbalancing:RegisterInstancesWithLoadBalancer',
    'elasticloadbalancing:RegisterTargets',
  ],
  'loadBalancers.deregister': [
    'elasticloadbalancing:DeregisterInstancesFromLoadBalancer',
    'elasticloadbalancing:DeregisterTargets',
  ],
  'artifacts.find': ['s3:GetObject'],
  'artifacts.digest': ['s3:GetObjectVersion'],
  'artifacts.versions': ['s3:ListBucketVersions'],
  'records.readRecord': ['s3:GetObject', 's3:ListBucket'],
  'records.writeRecord': ['s3:PutObject'],
  'records.writePage': ['s3:PutObject'],
  'records.writeText': ['s3:PutObject'],
  'parameters.read': ['ssm:GetParameter'],
  'executions.status': ['states:DescribeExecution'],
  'executions.events': ['states:GetExecutionHistory'],
  'executions.describe': ['states:DescribeExecution'],
  'executions.start': ['states:StartExecution'],
  'announcer.tellPeople': ['sns:Publish'],
  'announcer.tellMachines': ['events:PutEvents'],
};

/** @param what `ec2.describe` @throws Error for a call that nobody has written down here. */
export function actionsOf(what: string): readonly string[] {
  const known = CALLS[what];
  if (known) return known;
  if (what.startsWith('mackerel.')) return ['ssm:GetParameter'];
  if (what.startsWith('ledger.'))
    return [what === 'ledger.read' ? 'dynamodb:GetItem' : 'dynamodb:UpdateItem'];
  throw new Error(`Nobody has written down what IAM is asked about for ${what}.`);
}
