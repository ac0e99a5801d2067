/** Whose credentials are asked for, and how to give others: in words that fit what is set already. */
import { plain } from '../../lambdas/domain/core/words.ts';
import { shell } from './typed.ts';

type Variables = Readonly<Record<string, string | undefined>>;

/** A profile that is chosen goes before keys in variables, as the SDK has it. */
export function chooseCredentials(env: Variables = process.env): string {
  const { AWS_PROFILE: profile, AWS_ACCESS_KEY_ID: key } = env;
  if (profile)
    return `They are those of AWS_PROFILE, which is ${plain(profile, 80)}: set it to another profile.`;
  return key
    ? 'They are those of AWS_ACCESS_KEY_ID: set others, or unset it and set AWS_PROFILE.'
    : 'Choose others by setting AWS_PROFILE.';
}

/** Where there are none, or none that AWS accepts. */
export function logIn(env: Variables = process.env): string {
  const { AWS_PROFILE: profile, AWS_ACCESS_KEY_ID: key } = env;
  if (profile)
    return `AWS_PROFILE is ${plain(profile, 80)}: see what it has, and log in again where it is a profile of SSO (aws sso login --profile ${shell(profile)}).`;
  return key
    ? 'They are those of AWS_ACCESS_KEY_ID: set new ones, with their AWS_SESSION_TOKEN, or unset it and set AWS_PROFILE.'
    : 'Log in, or set AWS_PROFILE.';
}

/** Where no credentials were found: whoever has none may have no account yet. */
export const WITHOUT_ACCOUNT = 'Without an account, the same command with --local runs on a modelled region.';
