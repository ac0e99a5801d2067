/** Temporary credentials for each role: who has signed a request can be told from its access key. */
import { createHash } from 'node:crypto';

export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string;
}

export class Roles {
  readonly #byKey = new Map<string, { readonly role: string; readonly credentials: Credentials }>();
  readonly #byRole = new Map<string, Credentials>();

  /** @param role its ARN */
  readonly credentialsOf = (role: string): Credentials => {
    const known = this.#byRole.get(role);
    if (known) return known;
    const digest = (what: string) => createHash('sha256').update(`${what} of ${role}`).digest('hex');
    const credentials = {
      accessKeyId: `ASIA${digest('key').slice(0, 16).toUpperCase()}`,
      secretAccessKey: digest('secret'),
      sessionToken: digest('token'),
    };
    this.#byRole.set(role, credentials);
    this.#byKey.set(credentials.accessKeyId, { role, credentials });
    return credentials;
  };

  /** Whose request it is, by its signature. */
  signer(authorization: string | undefined) {
    return this.#byKey.get(/Credential=([^/]+)\//.exec(authorization ?? '')?.[1] ?? '');
  }
}
