/**
 * AWS credentials as Lambda hands them to a function: in environment variables. Bundles use this file in place of
 * `@aws-sdk/credential-provider-node` (an esbuild alias), whose SSO, profile and metadata providers a function can
 * never use and which add some 100 kB to each bundle. On a laptop the real package is used, through the SDK.
 */
import { DeploymentError } from '../../domain/core/errors.ts';

export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

/** Reads the environment at each call. Throws `ServiceRefused` where there are no credentials. */
export async function credentialsFromEnvironment(): Promise<Credentials> {
  const sessionToken = process.env.AWS_SESSION_TOKEN;
  return {
    accessKeyId: fromEnvironment('AWS_ACCESS_KEY_ID'),
    secretAccessKey: fromEnvironment('AWS_SECRET_ACCESS_KEY'),
    ...(sessionToken === undefined ? {} : { sessionToken }),
  };
}

/** The signature of `defaultProvider` in `@aws-sdk/credential-provider-node`; its options concern other sources. */
export const defaultProvider = (_init?: unknown) => credentialsFromEnvironment;

/** The Region that the function runs in. */
export const regionFromEnvironment = (): string => fromEnvironment('AWS_REGION');

function fromEnvironment(name: string): string {
  const value = process.env[name];
  if (!value) {
    throw new DeploymentError(
      'ServiceRefused',
      `AWS cannot be asked: the environment variable ${name} is not set.`,
    );
  }
  return value;
}
