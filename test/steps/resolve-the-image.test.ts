import { describe, expect, it } from 'vitest';
import { resolveTheImage } from '../../lambdas/resolve-the-image.ts';
import { aDeployment } from '../support/deployments.ts';
import { anImage } from '../support/facts.ts';
import { failure } from '../support/failures.ts';
import { aFleet } from '../support/fleets.ts';
import { failing, type Methods, portsWith } from '../support/ports.ts';

const FROM_PARAMETER = aFleet({ image: { from: 'parameter', parameter: '/shop/ami' } });
const findImage = async () => anImage();

const resolve = (changes: object, methods: Methods) =>
  resolveTheImage.run(aDeployment(changes), portsWith(methods));

describe('Resolve the image', () => {
  it('takes the newest image of the fleet’s kind', async () => {
    const ports = portsWith({ ec2: { newestImage: async () => anImage() } });
    expect(await resolveTheImage.run(aDeployment(), ports)).toMatchObject({ imageId: 'ami-0abc' });
    expect(ports.calls).toEqual([
      'ec2.newestImage {"from":"search","owner":"self","namePattern":"shop-*","tags":{},"architecture":"arm64"}',
    ]);
  });

  it('takes the image that the fleet’s parameter names', async () =>
    expect(
      await resolve(
        { fleet: FROM_PARAMETER },
        { parameters: { read: async () => 'ami-0abc\n' }, ec2: { findImage } },
      ),
    ).toMatchObject({ reason: 'ami-0abc (shop-1) from the SSM parameter /shop/ami' }));

  it('takes the image that was asked for, and asks for no other', async () =>
    expect(
      await resolve(
        { fleet: FROM_PARAMETER, input: { amiId: 'ami-0123456789abcdef0' } },
        { ec2: { findImage } },
      ),
    ).toMatchObject({
      reason: 'ami-0abc (shop-1) from the execution input',
    }));

  it.each([
    ['does not exist', undefined, 'does not exist or is empty'],
    ['is empty', ' ', 'does not exist or is empty'],
    ['holds something else', '{"ami":1}', 'does not hold an image id'],
  ])('refuses when the parameter %s, without showing its value', async (_title, value, says) =>
    expect(resolve({ fleet: FROM_PARAMETER }, { parameters: { read: async () => value } })).rejects.toThrow(
      failure(
        'ImageNotFound',
        new RegExp(`^The SSM parameter /shop/ami ${says}\\. Let the image build write`),
      ),
    ),
  );

  it('refuses when there is no such image', async () =>
    expect(resolve({}, { ec2: { newestImage: async () => undefined } })).rejects.toThrow(
      failure('ImageNotFound'),
    ));

  it('does not take silence for absence', async () =>
    expect(resolve({}, { ec2: { newestImage: failing('ServiceUnavailable') } })).rejects.toThrow(
      failure('ServiceUnavailable'),
    ));
});
