/**
 * What EC2 and the load balancers say of a fleet's hosts, by a signed request each: for the look at the end, in a step
 * that also writes records and would load six times as much with the SDK's clients. Only reads.
 */

import { chunksOf } from '../domain/core/collections.ts';
import type { Instance, InstanceState } from '../ports/ec2.ts';
import type { LoadBalancerRef, Member } from '../ports/load-balancers.ts';
import type { LastLook } from '../ports/ports.ts';
import { toClassicMember } from './classic-elb.ts';
import { toTargetMember } from './target-groups.ts';
import { assertEnds } from './wire/answer.ts';
import { asking, unavailable } from './wire/aws-errors.ts';
import { type AwsJsonOptions, liveJsonOptions, patiently } from './wire/aws-json.ts';
import { sendQuery } from './wire/aws-query.ts';
import { allOf, parseXml, textAt, type Xml } from './wire/xml.ts';

/** Short: the record waits for it. */
const TIMEOUT_MS = 3_000;
const LOOKING = 'look at the hosts';
/** EC2 takes 200 values per filter. */
const IDS_PER_DESCRIBE = 100;

export const liveLastLook = (): LastLook => lastLookAdapter({ ...liveJsonOptions(), timeoutMs: TIMEOUT_MS });

/** Needs `ec2:DescribeInstances`, `elasticloadbalancing:DescribeInstanceHealth` and `…:DescribeTargetHealth`. */
export function lastLookAdapter(options: AwsJsonOptions): LastLook {
  const ask = (service: string, form: Readonly<Record<string, string>>) =>
    asking(LOOKING, async () =>
      understood(await patiently(() => sendQuery(options, service, form), options.pauseMs)),
    );
  const instancesWhere = async (name: string, values: readonly string[]) => {
    const found: Instance[] = [];
    let token: string | undefined;
    let pages = 0;
    do {
      pages += 1;
      assertEnds(pages);
      const xml = await ask('ec2', {
        Action: 'DescribeInstances',
        Version: '2016-11-15',
        MaxResults: '1000',
        'Filter.1.Name': name,
        ...Object.fromEntries(values.map((value, index) => [`Filter.1.Value.${index + 1}`, value])),
        ...(token !== undefined && { NextToken: token }),
      });
      found.push(...itemsIn(xml, 'instancesSet', 'item').map(toInstance));
      token = allOf(xml, 'nextToken')[0]?.text || undefined;
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
        return MEMBERS[ref.kind](xml);
      },
    },
  };
}

const healthForm = (ref: LoadBalancerRef): Readonly<Record<string, string>> =>
  ref.kind === 'classic'
    ? { Action: 'DescribeInstanceHealth', Version: '2012-06-01', LoadBalancerName: ref.name }
    : { Action: 'DescribeTargetHealth', Version: '2015-12-01', TargetGroupArn: ref.arn };

const MEMBERS: Readonly<Record<LoadBalancerRef['kind'], (xml: Xml) => Member[]>> = {
  classic: (xml) =>
    itemsIn(xml, 'InstanceStates', 'member').flatMap((each) =>
      toClassicMember({
        InstanceId: textAt(each, 'InstanceId'),
        State: textAt(each, 'State'),
        Description: textAt(each, 'Description'),
      }),
    ),
  'target-group': (xml) =>
    itemsIn(xml, 'TargetHealthDescriptions', 'member').flatMap((each) => {
      const health = (what: string) => textAt(each, 'TargetHealth', what);
      const TargetHealth = {
        State: health('State'),
        Reason: health('Reason'),
        Description: health('Description'),
      };
      const Target = { Id: textAt(each, 'Target', 'Id'), Port: Number(textAt(each, 'Target', 'Port')) };
      return toTargetMember({ Target, TargetHealth } as Parameters<typeof toTargetMember>[0]);
    }),
};

/** An answer that was cut off, or is no XML, is none. */
function understood(answer: string): Xml {
  try {
    return parseXml(answer);
  } catch {
    throw unavailable(LOOKING, 'the answer could not be read');
  }
}

/** The items of every such list. */
const itemsIn = (xml: Xml, list: string, item: string): Xml[] =>
  allOf(xml, list).flatMap(({ children }) => children.filter(({ tag }) => tag === item));

function toInstance(xml: Xml): Instance {
  const instanceId = textAt(xml, 'instanceId') ?? '';
  const state = textAt(xml, 'instanceState', 'name');
  if (instanceId === '' || state === undefined)
    throw unavailable(LOOKING, `EC2 answered half an instance (${instanceId || 'no id'})`);
  const reason = textAt(xml, 'stateReason', 'message');
  return {
    instanceId,
    state: state as InstanceState,
    ...(reason !== undefined && state !== 'running' && { stateReason: reason }),
    launchedAt: new Date(textAt(xml, 'launchTime') ?? 0),
    zone: textAt(xml, 'placement', 'availabilityZone') ?? '',
    imageId: textAt(xml, 'imageId') ?? '',
    instanceType: textAt(xml, 'instanceType') ?? '',
    tags: Object.fromEntries(
      itemsIn(xml, 'tagSet', 'item').map((each) => [textAt(each, 'key') ?? '', textAt(each, 'value') ?? '']),
    ),
  };
}
