/** AWS's geography: our table against the SDK's, ARNs, and the console's pages. */

import { partition } from '@aws-sdk/core/client';
import { describe, expect, it } from 'vitest';
import { endpointOf } from '../../lambdas/clients/wire/endpoint.ts';
import { executionOf, executionPage, hasPages, partitionOf } from '../../lambdas/domain/core/aws.ts';

describe('A Region', () => {
  it.each([
    'ap-northeast-1',
    'us-east-1',
    'eu-central-2',
    'mx-central-1',
    'cn-north-1',
    'cn-northwest-1',
    'us-gov-west-1',
    'eusc-de-east-1',
    'us-iso-east-1',
    'us-isob-west-1',
    'eu-isoe-west-1',
    'us-isof-south-1',
    'xx-nowhere-1',
  ])('%s is where the SDK has it', (region) => {
    const { name, dnsSuffix } = partition(region);
    expect(partitionOf(region)).toBe(name);
    expect(endpointOf('states', region)).toBe(`https://states.${region}.${dnsSuffix}/`);
  });
});

describe('An execution', () => {
  const PLACE = 'arn:aws-eusc:states:eusc-de-east-1:123456789012';

  it('has an ARN beside its machine’s', () =>
    expect(executionOf(`${PLACE}:stateMachine:irekae-shop`, 'deploy-2')).toBe(
      `${PLACE}:execution:irekae-shop:deploy-2`,
    ));

  it('has a page in the console of its partition', () => {
    expect(executionPage(`${PLACE}:execution:irekae-shop:deploy-2`)).toBe(
      'https://eusc-de-east-1.console.amazonaws-eusc.eu/states/home?region=eusc-de-east-1#/v2/executions/details/' +
        'arn%3Aaws-eusc%3Astates%3Aeusc-de-east-1%3A123456789012%3Aexecution%3Airekae-shop%3Adeploy-2',
    );
  });

  it.each([
    ['one', `${PLACE}:execution:irekae-shop:deploy-2`, true],
    ['a machine', `${PLACE}:stateMachine:irekae-shop`, false],
    [
      'in a partition with a console unknown to us',
      'arn:aws-iso:states:us-iso-east-1:1:execution:a:b',
      false,
    ],
    ['in no partition', 'arn:aws-x:states:us-east-1:1:execution:a:b', false],
    ['something else', 'javascript:alert(1)', false],
  ])('is known to have pages: %s', (_what, arn, known) => expect(hasPages(arn)).toBe(known));
});
