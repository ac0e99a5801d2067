/** An attacker who may start deployments, or write a parameter or a record, tries to have their own image launched. */
import { describe, expect, it } from 'vitest';
import { decideImage, type ImageChoice, imageOwners } from '../../lambdas/domain/release/image.ts';
import type { Image, ImageSource } from '../../lambdas/ports/ec2.ts';
import { OLD_IMAGE, Stage } from '../../simulator/stage.ts';
import { statementsOf } from '../lib/template.ts';
import { anImage } from '../support/facts.ts';
import { failure } from '../support/failures.ts';
import { aFleet } from '../support/fleets.ts';
import { allows } from '../support/iam.ts';
import { synthesize } from '../synth.ts';

const ACCOUNT = '123456789012';
const STRANGER = '666666666666';
const parameter: ImageSource = { from: 'parameter', parameter: '/images/shop' };
const amazon: ImageSource = { from: 'search', owner: 'amazon', namePattern: 'al2023-*', tags: {} };
const tagged: ImageSource = {
  from: 'search',
  owner: 'self',
  namePattern: 'shop-*',
  tags: { stage: 'released' },
};

const decide = (image: Partial<Image>, source: ImageSource, choice: Partial<ImageChoice> = {}) =>
  decideImage(aFleet({ image: source }), anImage(image), {
    origin: 'somewhere',
    now: new Date(0),
    account: ACCOUNT,
    ...choice,
  });

describe('An image of somebody else', () => {
  it.each<[string, Partial<Image>, ImageSource, Partial<ImageChoice>]>([
    ['named by the input', { owner: STRANGER }, tagged, { isNamed: true }],
    ['in the parameter', { owner: STRANGER }, parameter, {}],
    ['found by a search', { owner: STRANGER, tags: { stage: 'released' } }, tagged, {}],
    ['of a record that is gone back to', { owner: STRANGER }, tagged, { isNamed: true, ranHere: true }],
    ['whatever is overridden', { owner: STRANGER }, tagged, { isNamed: true, override: ['image'] }],
    ['that is called like Amazon’s', { owner: STRANGER, name: 'al2023-ami' }, amazon, { isNamed: true }],
    ['sold in the marketplace', { owner: STRANGER, ownerAlias: 'aws-marketplace' }, amazon, {}],
  ])('is refused: %s', (_, image, source, choice) =>
    expect(() => decide(image, source, choice)).toThrow(
      failure('ImageUnusable', /it belongs to the account 666666666666, and shop runs images of/),
    ),
  );

  it('is launched where the file names its owner', () => {
    const released = { name: 'al2023-ami', owner: '137112412989', ownerAlias: 'amazon' };
    expect(decide(released, amazon)).toMatchObject({ imageId: 'ami-0abc' });
    expect(decide({ owner: STRANGER }, { ...parameter, owner: STRANGER })).toBeDefined();
  });
});

describe('An image of the account that is not of the fleet’s kind', () => {
  it.each<[string, Partial<Image>, ImageSource, Partial<ImageChoice>, RegExp]>([
    ['another name', { name: 'blog-1' }, tagged, {}, /its name does not match shop-\*/],
    ['a name that only contains it', { name: 'x-shop-1' }, tagged, {}, /its name does not match/],
    ['no tag', {}, tagged, {}, /it does not carry the tag stage=released/],
    ['another value of the tag', { tags: { stage: 'candidate' } }, tagged, {}, /stage=released/],
    ['the account’s own instead of Amazon’s', { name: 'al2023-x' }, amazon, {}, /its owner is 123456789012/],
    [
      'another one than the parameter’s',
      {},
      parameter,
      { imageId: 'ami-0abc', held: 'ami-1' },
      /holds ami-1/,
    ],
  ])('needs an override: %s', (_, image, source, choice, why) => {
    expect(() => decide(image, source, { isNamed: true, ...choice })).toThrow(failure('ImageUnusable', why));
    expect(() => decide(image, source, { ...choice, override: ['freeze'] })).toThrow(/not of the kind/);
    const opened = decide(image, source, { isNamed: true, ...choice, override: ['image'] });
    expect(opened.reason).toMatch(/although/);
    expect(opened.reason).toMatch(why);
  });

  it('may be gone back to if it ran here', () =>
    expect(decide({ name: 'blog-1' }, tagged, { ranHere: true })).toBeDefined());
});

describe('IAM', () => {
  const statements = statementsOf(synthesize(), 'launch-new-instances').filter(
    ({ Condition }) => Condition?.StringEquals?.['ec2:Owner'] !== undefined,
  );
  const launches = (owner?: string) =>
    allows(
      statements.map((each) => ({ ...each, Resource: 'arn:aws:ec2:ap-northeast-1::image/*' })),
      {
        action: 'ec2:RunInstances',
        resource: 'arn:aws:ec2:ap-northeast-1::image/ami-1',
        ...(owner !== undefined && { context: { 'ec2:Owner': owner } }),
      },
    );

  it('launches the images of the fleets’ owners alone', () => {
    expect(launches('222222222222')).toBe(true);
    for (const owner of [STRANGER, 'amazon', 'aws-marketplace', undefined])
      expect(launches(owner)).toBe(false);
  });

  it('has no other statement that lets an image be launched', () => {
    const others = statementsOf(synthesize(), 'launch-new-instances').filter(
      (each) => !statements.includes(each),
    );
    expect(JSON.stringify(others)).not.toContain('image/');
  });

  it.each<[ImageSource, string[]]>([
    [tagged, [ACCOUNT]],
    [amazon, [ACCOUNT, 'amazon']],
    [parameter, [ACCOUNT]],
    [{ ...parameter, parameter: '/aws/service/ami-amazon-linux-latest/x' }, [ACCOUNT, 'amazon']],
    [{ ...parameter, owner: STRANGER }, [ACCOUNT, STRANGER]],
    [{ ...tagged, owner: ACCOUNT }, [ACCOUNT]],
  ])('asks for the owners of %j', (source, owners) => expect(imageOwners(source, ACCOUNT)).toEqual(owners));
});

describe('In the story', () => {
  it('a stranger’s image changes nothing, and neither does a record of one that has changed hands', async () => {
    const stage = new Stage({ template: synthesize(), fleet: 'reactio-production-app', seed: 7 });
    try {
      stage.upload();
      expect((await stage.deploy({}, 'first')).endedIn).toBe('Deployed');
      const image = stage.world.ec2.findImage(OLD_IMAGE);
      if (!image) throw new Error('the stage has no image');
      stage.world.ec2.removeImage(OLD_IMAGE);
      stage.world.ec2.addImage({ ...image, owner: STRANGER });
      stage.publishImage('ami-0a1b2c3d4e5f60718');
      stage.upload('another release');
      expect((await stage.deploy({}, 'second')).endedIn).toBe('Deployed');
      const before = stage.world.view().instances.length;
      for (const input of [{ amiId: OLD_IMAGE }, { rollbackTo: 'first' }]) {
        const { error, cause } = await stage.deploy(input);
        expect(error).toBe('ImageUnusable');
        expect(cause).toContain('it belongs to the account 666666666666');
      }
      expect(
        stage.world.view().instances.filter(({ state }) => state === 'running').length,
      ).toBeLessThanOrEqual(before);
    } finally {
      stage.close();
    }
  });
});
