/**
 * What EC2 and the load balancers say of a fleet's hosts, by a signed request each: for the look at the end, in a step
 * that also writes records and would load six times as much with the SDK's clients. Only reads.
 */

import { chunksOf } from '../domain/core/collections.ts';
import type { Ec2, Instance, InstanceState } from '../ports/ec2.ts';
import type { LoadBalancerRef, LoadBalancers, Member } from '../ports/load-balancers.ts';
import { toClassicMember } from './classic-elb.ts';
import { toTargetMember } from './target-groups.ts';
import { asking, unavailable } from './wire/aws-errors.ts';
import { type AwsJsonOptions, liveJsonOptions, patiently } from './wire/aws-json.ts';
import { sendQuery, tagged } from './wire/aws-query.ts';

export interface LastLook {
  readonly ec2: Pick<Ec2, 'describe' | 'listByTag'>;
  readonly loadBalancers: Pick<LoadBalancers, 'members'>;
}

/** Short: the record waits for it. */
const TIMEOUT_MS = 3_000;
/** EC2 takes 200 values per filter. */
const IDS_PER_DESCRIBE = 100;

export const liveLastLook = (): LastLook => lastLookAdapter({ ...liveJsonOptions(), timeoutMs: TIMEOUT_MS });

/** Needs `ec2:DescribeInstances`, `elasticloadbalancing:DescribeInstanceHealth` and `…:DescribeTargetHealth`. */
export function lastLookAdapter(options: AwsJsonOptions): LastLook {
  const ask = (service: string, form: Readonly<Record<string, string>>) =>
    asking(`look at the hosts (${form.Action})`, () =>
      patiently(() => sendQuery(options, service, form), options.pauseMs),
    );
  const instancesWhere = async (name: string, values: readonly string[]) => {
    const found: Instance[] = [];
    let token: string | undefined;
    do {
      const xml = await ask('ec2', {
        Action: 'DescribeInstances',
        Version: '2016-11-15',
        MaxResults: '1000',
        'Filter.1.Name': name,
        ...Object.fromEntries(values.map((value, index) => [`Filter.1.Value.${index + 1}`, value])),
        ...(token !== undefined && { NextToken: token }),
      });
      found.push(...itemsIn(xml, 'instancesSet').map(toInstance));
      token = tagged(xml, 'nextToken') || undefined;
    } while (token !== undefined);
    return found;
  };
  return {
    ec2: {
      describe: async (ids) => {
        const chunks = chunksOf(ids, IDS_PER_DESCRIBE);
        return (await Promise.all(chunks.map((some) => instancesWhere('instance-id', some)))).flat();
      },
      listByTag: async (key, value) =>
        (await instancesWhere(`tag:${key}`, [value])).filter(
          ({ tags, state }) => tags[key] === value && state !== 'terminated',
        ),
    },
    loadBalancers: {
      members: async (ref) => {
        const xml = await ask('elasticloadbalancing', healthForm(ref));
        return xml.split('<member>').slice(1).flatMap(MEMBER[ref.kind]);
      },
    },
  };
}

const healthForm = (ref: LoadBalancerRef): Readonly<Record<string, string>> =>
  ref.kind === 'classic'
    ? { Action: 'DescribeInstanceHealth', Version: '2012-06-01', LoadBalancerName: ref.name }
    : { Action: 'DescribeTargetHealth', Version: '2015-12-01', TargetGroupArn: ref.arn };

const MEMBER: Readonly<Record<LoadBalancerRef['kind'], (xml: string) => Member[]>> = {
  classic: (xml) =>
    toClassicMember({
      InstanceId: tagged(xml, 'InstanceId'),
      State: tagged(xml, 'State'),
      Description: tagged(xml, 'Description'),
    }),
  'target-group': (xml) => {
    // What anomaly detection and overrides say stands beside, in tags of the same names.
    const [, health = ''] = /<TargetHealth>([\s\S]*?)<\/TargetHealth>/.exec(xml) ?? [];
    const TargetHealth = {
      State: tagged(health, 'State'),
      Reason: tagged(health, 'Reason'),
      Description: tagged(health, 'Description'),
    };
    const Target = { Id: inside(xml, 'Target', 'Id'), Port: Number(inside(xml, 'Target', 'Port')) };
    return toTargetMember({ Target, TargetHealth } as Parameters<typeof toTargetMember>[0]);
  },
};

/** The items of every such set, whole: an item holds sets with items of their own, and its parts come in any order. */
function itemsIn(xml: string, set: string): string[] {
  const items: string[] = [];
  for (const [, content = ''] of xml.matchAll(new RegExp(`<${set}>([\\s\\S]*?)</${set}>`, 'g'))) {
    let depth = 0;
    let from = 0;
    for (const { 0: tag, index } of content.matchAll(/<\/?item>/g)) {
      if (tag === '<item>' && depth++ === 0) from = index;
      if (tag === '</item>' && --depth === 0) items.push(content.slice(from, index));
    }
  }
  return items;
}

function toInstance(xml: string): Instance {
  const instanceId = tagged(xml, 'instanceId') ?? '';
  const state = inside(xml, 'instanceState', 'name');
  if (instanceId === '' || state === undefined)
    throw unavailable('look at the hosts', `EC2 answered half an instance (${instanceId || 'no id'})`);
  const reason = inside(xml, 'stateReason', 'message');
  return {
    instanceId,
    state: state as InstanceState,
    ...(reason !== undefined && state !== 'running' && { stateReason: reason }),
    launchedAt: new Date(tagged(xml, 'launchTime') ?? 0),
    zone: tagged(xml, 'availabilityZone') ?? '',
    imageId: tagged(xml, 'imageId') ?? '',
    instanceType: tagged(xml, 'instanceType') ?? '',
    tags: Object.fromEntries(
      [...xml.matchAll(/<key>([^<]*)<\/key>\s*<value>([^<]*)<\/value>/g)].map(([, key = '', value = '']) => [
        unescaped(key),
        unescaped(value),
      ]),
    ),
  };
}

const inside = (xml: string, outer: string, inner: string): string | undefined =>
  tagged(new RegExp(`<${outer}>[\\s\\S]*?</${outer}>`).exec(xml)?.[0] ?? '', inner);

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };
const unescaped = (text: string): string =>
  text.replace(/&(amp|lt|gt|quot|apos);/g, (_, name: string) => ENTITIES[name] ?? '');
