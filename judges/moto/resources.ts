/** The resources of a template with every reference filled in, as CloudFormation would: for whoever makes them. */
import type { TemplateJson } from '../../lib/synthesize.ts';

export interface Place {
  readonly account: string;
  readonly region: string;
}

export interface Made {
  readonly id: string;
  readonly type: string;
  /** What CloudFormation calls its physical id, where that is a name. */
  readonly name: string;
  readonly properties: Readonly<Record<string, unknown>>;
}

/** The property that names a resource of this type; of the others the logical id does. */
const NAMED_BY: Readonly<Record<string, string>> = {
  'AWS::S3::Bucket': 'BucketName',
  'AWS::Lambda::Function': 'FunctionName',
  'AWS::IAM::Role': 'RoleName',
  'AWS::StepFunctions::StateMachine': 'StateMachineName',
  'AWS::Logs::LogGroup': 'LogGroupName',
};

const arnOf = ({ account, region }: Place, type: string, name: string, path = '/'): string | undefined =>
  ({
    'AWS::S3::Bucket': `arn:aws:s3:::${name}`,
    'AWS::Lambda::Function': `arn:aws:lambda:${region}:${account}:function:${name}`,
    'AWS::IAM::Role': `arn:aws:iam::${account}:role${path}${name}`,
    'AWS::IAM::InstanceProfile': `arn:aws:iam::${account}:instance-profile${path}${name}`,
    'AWS::StepFunctions::StateMachine': `arn:aws:states:${region}:${account}:stateMachine:${name}`,
    'AWS::DynamoDB::GlobalTable': `arn:aws:dynamodb:${region}:${account}:table/${name}`,
    'AWS::SNS::Topic': `arn:aws:sns:${region}:${account}:${name}`,
    'AWS::SQS::Queue': `arn:aws:sqs:${region}:${account}:${name}`,
    'AWS::Logs::LogGroup': `arn:aws:logs:${region}:${account}:log-group:${name}:*`,
    'AWS::Events::Rule': `arn:aws:events:${region}:${account}:rule/${name}`,
  })[type];

/** Those whose `Ref` is their ARN. */
const REF_IS_ARN = new Set(['AWS::StepFunctions::StateMachine', 'AWS::SNS::Topic']);

/** @throws Error for a reference that nobody here can fill in: a guess would be judged in its place. */
export function resourcesOf(template: TemplateJson, place: Place): Made[] {
  const nameOf = (id: string): string => {
    const { Type, Properties } = template.Resources[id] ?? {};
    if (Type === 'AWS::EC2::LaunchTemplate') return `lt-${Buffer.from(id).toString('hex').slice(-17)}`;
    const given = Properties?.[NAMED_BY[Type ?? ''] ?? ''];
    return typeof given === 'string' ? given : id;
  };
  const pseudo: Readonly<Record<string, string>> = {
    'AWS::Partition': 'aws',
    'AWS::Region': place.region,
    'AWS::AccountId': place.account,
    'AWS::URLSuffix': 'amazonaws.com',
  };
  const attribute = (id: string, name: string): string => {
    const { Type: type = '', Properties } = template.Resources[id] ?? {};
    const path = typeof Properties?.Path === 'string' ? Properties.Path : '/';
    const found = name === 'Arn' ? arnOf(place, type, nameOf(id), path) : undefined;
    if (found !== undefined) return found;
    if (type === 'AWS::SNS::Topic' && name === 'TopicName') return nameOf(id);
    if (type === 'AWS::SQS::Queue' && name === 'QueueName') return nameOf(id);
    if (type === 'AWS::EC2::LaunchTemplate' && name.endsWith('VersionNumber')) return '1';
    throw new Error(`No attribute ${name} of ${id} (${type}) is known here.`);
  };
  const reference = (id: string): string => {
    const type = template.Resources[id]?.Type;
    if (type === undefined && pseudo[id] === undefined) throw new Error(`${id} is no resource.`);
    if (type === 'AWS::Lambda::Version') return `${attribute(functionOf(id), 'Arn')}:1`;
    if (type === 'AWS::SQS::Queue') return `https://sqs.${place.region}.amazonaws.com/${place.account}/${id}`;
    return pseudo[id] ?? (REF_IS_ARN.has(type ?? '') ? attribute(id, 'Arn') : nameOf(id));
  };
  /** A version's. */
  const functionOf = (id: string): string =>
    String(Object(template.Resources[id]?.Properties?.FunctionName).Ref);
  const filled = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(filled);
    if (typeof value !== 'object' || value === null) return value;
    const { Ref: ref, 'Fn::GetAtt': got, 'Fn::Join': join } = value as Record<string, unknown>;
    if (typeof ref === 'string') return reference(ref);
    if (Array.isArray(got)) return attribute(String(got[0]), String(got[1]));
    if (Array.isArray(join)) return (join[1] as unknown[]).map(filled).join(String(join[0]));
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, filled(inner)]));
  };
  return Object.entries(template.Resources).map(([id, { Type: type, Properties = {} }]) => ({
    id,
    type,
    name: nameOf(id),
    properties: filled(Properties) as Made['properties'],
  }));
}
