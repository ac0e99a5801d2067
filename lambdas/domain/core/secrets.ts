/**
 * The secrets that this process has read. Whoever echoes one (a proxy, an error page, an application's log): it is shown
 * as `***`, wherever and however often it stands, also URL-encoded, in base64, as JSON or as HTML writes it.
 */

/** Kept in memory only, like the secrets. By value, so that a function that lives long keeps each once. */
const known = new Map<string, RegExp>();
/** What is shorter would blot out words. Old session tokens of a function that lives for days are let go. */
const SHORTEST = 8;
const MOST = 20;

export function keepSecret(value = ''): string {
  for (const line of value.split('\n').map((each) => each.trim())) {
    if (line.length < SHORTEST) continue;
    const spelled = known.get(line) ?? new RegExp([line, ...inBase64(line)].map(spellings).join('|'), 'giu');
    known.delete(line);
    known.set(line, spelled);
    for (const oldest of [...known.keys()].slice(0, -MOST)) known.delete(oldest);
  }
  return value;
}

/** Words that a credential follows, when a request is quoted. */
const CREDENTIALS =
  /(\b(?:X-Amz-(?:Signature|Security-Token|Credential)|X-Api-Key|Authorization|Signature|Credential|Secret_?Access_?Key|Session_?Token)["']?(?:\s?[:=>]|%(?:25)?3[AD])\s?["']?(?:\w{1,20} )?|\b(?:Bearer|Basic) )[^\s"'&<>,]{8,}/gi;

export function masked(text: string): string {
  let rest = text;
  for (const secret of known.values()) rest = rest.replace(secret, '***');
  return rest.replace(CREDENTIALS, '$1***');
}

/** The characters of base64 that are the secret's own, for each of the three places where it may begin in a text. */
function inBase64(secret: string): string[] {
  const bytes = Buffer.from(secret);
  return [0, 1, 2].flatMap((before) => {
    const whole = Buffer.concat([Buffer.alloc(before), bytes]);
    const [from, to] = [Math.ceil((before * 8) / 6), Math.floor((whole.length * 8) / 6)];
    return (['base64', 'base64url'] as const).map((form) => whole.toString(form).slice(from, to));
  });
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': 'amp',
  '<': 'lt',
  '>': 'gt',
  '"': 'quot',
  "'": 'apos',
};

/** A pattern for the text: each character that encodings change, in all that they make of it, also when done twice. */
const spellings = (text: string): string =>
  text.replace(/[^A-Za-z0-9]/gu, (character) => {
    const code = character.codePointAt(0) ?? 0;
    const hex = code.toString(16);
    const bytes = [...Buffer.from(character)].map(
      (byte) => `%(?:25){0,3}${byte.toString(16).padStart(2, '0')}`,
    );
    const entity = `&(?:amp;){0,2}(?:#0{0,3}${code}|#x0{0,3}${hex}|${ENTITIES[character] ?? hex});`;
    return `(?:\\\\{0,7}\\u{${hex}}|${bytes.join('')}|\\\\{1,7}u${hex.padStart(4, '0')}|${entity})`;
  });
