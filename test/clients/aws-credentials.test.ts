import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { defaultProvider, regionFromEnvironment } from '../../lambdas/clients/wire/lambda-credentials.ts';

beforeEach(() => {
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKID');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret');
  vi.stubEnv('AWS_SESSION_TOKEN', 'token');
  vi.stubEnv('AWS_REGION', 'ap-northeast-1');
});
afterEach(() => vi.unstubAllEnvs());

describe('the credentials of a function', () => {
  it('come from its environment', async () => {
    expect(await defaultProvider()()).toEqual({
      accessKeyId: 'AKID',
      secretAccessKey: 'secret',
      sessionToken: 'token',
    });
    expect(regionFromEnvironment()).toBe('ap-northeast-1');
  });

  it('are read at each call', async () => {
    const provide = defaultProvider({ profile: 'ignored' });
    await provide();
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKID2');
    expect(await provide()).toMatchObject({ accessKeyId: 'AKID2' });
  });

  it('may lack a session token', async () => {
    vi.stubEnv('AWS_SESSION_TOKEN', undefined);
    expect(await defaultProvider()()).toEqual({ accessKeyId: 'AKID', secretAccessKey: 'secret' });
  });

  it('are missed by name', async () => {
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', undefined);
    await expect(defaultProvider()()).rejects.toMatchObject({
      name: 'ServiceRefused',
      message: expect.stringContaining('AWS_SECRET_ACCESS_KEY'),
    });
  });
});
