/** `examples/chat`: what reaches a channel of Slack, and a webhook, of what the product really tells. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TemplateJson } from '../../lib/synthesize.ts';
import { type EventPattern, matches } from '../../simulator/event-rule.ts';
import { Stage } from '../../simulator/stage.ts';
import { type AnyStatement, allows } from '../support/iam.ts';
import { synthesize } from '../synth.ts';
import { exampleFile } from './example-files.ts';

const ACCOUNT = '222222222222';
const VALUES: Readonly<Record<string, string>> = {
  'AWS::AccountId': ACCOUNT,
  'AWS::StackName': 'irekae-chat',
  Environment: 'production',
  NewsTopic: `arn:aws:sns:ap-northeast-1:${ACCOUNT}:irekae-production-News`,
  AlarmTopic: `arn:aws:sns:ap-northeast-1:${ACCOUNT}:irekae-production-Alarms`,
  Url: 'https://hooks.example/T0/B0/secret',
};

type Properties = Readonly<Record<string, unknown>>;

/** The template's resources with what CloudFormation fills in; an ARN is named after its resource. */
function resources(path: string): Readonly<Record<string, { Type: string; Properties: Properties }>> {
  const { Resources: all } = JSON.parse(exampleFile(path)) as TemplateJson;
  const fill = (part: unknown): unknown => {
    if (Array.isArray(part)) return part.map(fill);
    if (typeof part !== 'object' || part === null) return part;
    const made = part as Record<string, unknown>;
    if (typeof made.Ref === 'string') return VALUES[made.Ref] ?? made.Ref;
    if (Array.isArray(made['Fn::GetAtt'])) return `arn:of:${made['Fn::GetAtt'][0]}`;
    if (Array.isArray(made['Fn::If'])) return fill(made['Fn::If'][1]);
    if (typeof made['Fn::Sub'] === 'string')
      return made['Fn::Sub'].replace(/\$\{([^}]+)\}/g, (_, name) => VALUES[name] ?? name);
    return Object.fromEntries(Object.entries(made).map(([key, value]) => [key, fill(value)]));
  };
  return fill(all) as ReturnType<typeof resources>;
}

const CONTEXT = { 'aws:SourceAccount': ACCOUNT };
const trusts = (role: Properties | undefined, context: Readonly<Record<string, string>>) => {
  const { Statement: statements } = (role?.AssumeRolePolicyDocument ?? {}) as { Statement: AnyStatement[] };
  const those = statements.map(({ Effect, Action, Condition }) => ({
    Effect,
    Action,
    Condition,
    Resource: '*',
  }));
  return allows(those as AnyStatement[], { action: 'sts:AssumeRole', resource: '*', context });
};

describe('The channel of Slack', () => {
  const { Channel: channel, ChannelRole: role } = resources('chat/slack.template.json');

  it('shows the news, and the alarms', () =>
    expect(channel).toMatchObject({
      Type: 'AWS::Chatbot::SlackChannelConfiguration',
      Properties: { SnsTopicArns: [VALUES.NewsTopic, VALUES.AlarmTopic] },
    }));

  it('is for reading: nobody may do anything from it', () => {
    expect(channel?.Properties.GuardrailPolicies).toEqual(['arn:aws:iam::aws:policy/AWSDenyAll']);
    expect(Object.keys(role?.Properties ?? {}).sort()).toEqual(['AssumeRolePolicyDocument', 'Description']);
    expect(trusts(role?.Properties, CONTEXT)).toBe(true);
    expect(trusts(role?.Properties, { 'aws:SourceAccount': '999999999999' })).toBe(false);
  });

  it('is fed by topics that the stack tells', () => {
    const outputs = Object.keys(synthesize().Outputs ?? {});
    expect(outputs).toEqual(expect.arrayContaining(['NewsTopic', 'AlarmTopic']));
  });
});

describe('The webhook', () => {
  const all = resources('chat/webhook.template.json');
  const rule = all.Ended?.Properties;
  const [target, ...others] = (rule?.Targets ?? []) as {
    readonly Arn: string;
    readonly RoleArn: string;
    readonly InputTransformer: { InputPathsMap: Record<string, string>; InputTemplate: string };
  }[];

  /** As EventBridge makes it: a text in a text is put in as it is. */
  function sent(event: object): unknown {
    const { InputPathsMap: paths = {}, InputTemplate: template = '' } = target?.InputTransformer ?? {};
    const at = (path: string) =>
      path
        .split('.')
        .slice(1)
        .reduce<unknown>((part, name) => Object(part)[name], event);
    return JSON.parse(
      template.replace(/<(\w+)>/g, (_, name: string) => {
        const value = at(paths[name] ?? '');
        expect(value, name).toEqual(expect.any(String));
        return String(value);
      }),
    );
  }

  let stage: Stage;
  let told: object[] = [];
  beforeAll(async () => {
    stage = new Stage({ template: synthesize(), fleet: 'reactio-production-app', seed: 1 });
    stage.upload();
    await stage.deploy({ reason: 'say "hi" \\ <!channel>' });
    stage.world.ec2.fate = () => ({ kind: 'never-healthy' });
    stage.upload('another');
    await stage.deploy({ reason: 'say "hi" \\ <!channel>' });
    told = stage.world.announcer.events.map(({ detailType, detail }) => ({
      source: 'irekae',
      'detail-type': detailType,
      detail,
    }));
  });
  afterAll(() => stage.close());

  it('is told how each deployment of its environment ended, and of no other', () => {
    expect(others).toEqual([]);
    expect(told).toHaveLength(2);
    for (const event of told) expect(matches(rule?.EventPattern as EventPattern, event)).toBe(true);
    const [event] = told as { detail: object }[];
    const elsewhere = { ...event, detail: { ...event?.detail, environment: 'staging' } };
    expect(matches(rule?.EventPattern as EventPattern, elsewhere)).toBe(false);
  });

  it('gets one text, which nothing that others wrote can break', () =>
    expect(told.map(sent)).toEqual([
      { text: expect.stringMatching(/^Deployed: reactio-production-app, in .*\nhttps:\/\/\S+$/) },
      { text: expect.stringMatching(/^Rolled back: reactio-production-app \(\w+\); .*\nhttps:\/\/\S+$/) },
    ]));

  it('is called by a role that may call nothing else', () => {
    const role = all.InvokeRole?.Properties;
    expect(target?.RoleArn).toBe('arn:of:InvokeRole');
    expect(trusts(role, CONTEXT)).toBe(true);
    expect(trusts(role, { 'aws:SourceAccount': '999999999999' })).toBe(false);
    const [policy] = (role?.Policies ?? []) as { PolicyDocument: { Statement: AnyStatement[] } }[];
    const may = (resource: string) =>
      allows(policy?.PolicyDocument.Statement ?? [], { action: 'events:InvokeApiDestination', resource });
    expect([target?.Arn ?? '', 'arn:of:Another'].map(may)).toEqual([true, false]);
  });

  it('has a secret address, and a queue for what it did not take', () => {
    const { Parameters: parameters } = JSON.parse(exampleFile('chat/webhook.template.json'));
    expect(parameters.Url.NoEcho && parameters.HeaderValue.NoEcho).toBe(true);
    expect(target).toMatchObject({ DeadLetterConfig: { Arn: 'arn:of:Undelivered' } });
    const { Statement: statements } = (all.UndeliveredPolicy?.Properties.PolicyDocument ?? {}) as {
      Statement: AnyStatement[];
    };
    const may = (source: string) =>
      allows(
        statements.map(({ Principal: _, ...each }: AnyStatement & { Principal?: unknown }) => each),
        {
          action: 'sqs:SendMessage',
          resource: 'arn:of:Undelivered',
          context: { 'aws:SourceArn': source },
        },
      );
    expect(['arn:of:Ended', 'arn:of:Another'].map(may)).toEqual([true, false]);
  });
});
