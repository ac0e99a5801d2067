/**
 * What a user writes in the fleets file: its fields, their defaults, and what each may hold. Rules that look at more
 * than one field are in `fleet-rules.ts`. The message of a check says what is allowed.
 */

import * as v from 'valibot';
import { ARCHITECTURES } from '../lambdas/domain/core/fleet.ts';
import { WEEKDAYS } from '../lambdas/domain/core/local-time.ts';
import { RECORD_PREFIX } from '../lambdas/domain/core/names.ts';
import { LONGEST_MINUTES, MOST_HOOKS, POINTS, THEN } from '../lambdas/domain/core/points.ts';
import { allowedBy } from './fleet-problems.ts';

/** A text that matches; one check per field, so that a bad value is told about once. */
const text = (pattern: RegExp, allowed: string) => v.pipe(v.string(allowed), v.regex(pattern, allowed));

const whole = (least: number, most: number, unit = '') => {
  const allowed = `a whole number from ${least} to ${most}${unit}`;
  return v.pipe(
    v.number(allowed),
    v.check((n) => Number.isInteger(n) && n >= least && n <= most, allowed),
  );
};

const decimal = (least: number, most: number) => {
  const allowed = `a number from ${least.toLocaleString('en')} to ${most.toLocaleString('en')}`;
  return v.pipe(v.number(allowed), v.finite(allowed), v.minValue(least, allowed), v.maxValue(most, allowed));
};

/**
 * An object without unknown fields: a misspelt one would otherwise be a default that nobody asked for. All of them are
 * told, of which valibot's own strict object tells the first; and what is missing is told with what it may hold.
 */
export function only<E extends v.ObjectEntries>(entries: E) {
  const names = Object.keys(entries).join(', ');
  const schema = v.objectWithRest(entries, v.never(names), ({ path }) => {
    const missing = entries[String(path?.at(-1)?.key)];
    return missing ? allowedIn(missing as v.GenericSchema) : `an object of ${names}`;
  });
  return { ...schema, type: 'strict_object' } as unknown as v.StrictObjectSchema<E, undefined>;
}

/** What a schema says about nothing at all. */
function allowedIn(schema: v.GenericSchema): string {
  const [issue] = v.safeParse(schema, undefined).issues ?? [];
  return issue ? allowedBy(issue) : '';
}

/** One of several kinds of object, told apart by this field. */
const either = <const K extends string, const O extends v.VariantOptions<K>>(key: K, options: O) =>
  v.variant(key, options, (issue) =>
    issue.path
      ? allowedBy(issue)
      : `an object with ${key}: ${options.map((each) => kindOf(each, key)).join(' or ')}`,
  );
const kindOf = (option: unknown, key: string): string => String(Object(option).entries?.[key]?.literal);

/** A list in which nothing stands twice. */
const list = <S extends v.GenericSchema>(item: S, least: number, most: number) => {
  const allowed = `a list of ${least} to ${most}`;
  return v.pipe(
    v.array(item, allowed),
    v.check((items) => items.length >= least && items.length <= most, allowed),
    v.checkItems(
      (value, index, items) => items.findIndex((other) => same(other, value)) === index,
      'each only once',
    ),
  );
};
const same = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b);

// ── Names of things ────────────────────────────────────────────────────────────────────────────────────────────────

const ACCOUNT = text(/^\d{12}$/, 'an AWS account id, 12 digits');
/** Function names have at most 64 characters: `irekae-<environment>-retire-old-hosts-in-mackerel`. */
const ENVIRONMENT = text(
  /^[a-z][a-z0-9-]{0,19}$/,
  'a lower-case letter, then letters, digits or -, at most 20 in all',
);
/**
 * A state machine's name has at most 80 characters, and logging wants these only: `irekae-<fleet>-clean-up`. A fleet of
 * that ending, of `-override` or `-promote`, could have the machine that does so for another one.
 */
const FLEET = text(
  /^(?!.*-(clean-up|override|promote)$)[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/,
  'letters, digits, - and _, at most 64, a letter or digit first, not ending in -clean-up, -override or -promote',
);
const MACKEREL = text(
  /^[A-Za-z0-9][A-Za-z0-9_-]{1,62}$/,
  '2 to 63 letters, digits, - and _, a letter or digit first',
);
/**
 * EventBridge may or may not encode other characters, so these alone mean the same everywhere; 256 because keys travel
 * in the document and in user data. No empty, `.` or `..` part: S3 knows them as names, everything else as directions.
 */
const KEY = text(
  new RegExp(`^(?!${RECORD_PREFIX})(?!.*(^|/)\\.{0,2}(/|$))[A-Za-z0-9._/-]{1,256}$`),
  `an S3 key of letters, digits and . _ / -, at most 256, not under ${RECORD_PREFIX}, without an empty, . or .. part`,
);
/** The host replaces it as a whole, so a directory of the system itself must not be it. */
const DIRECTORY = text(
  /^(?!.*\/\.{1,2}(\/|$))(\/[A-Za-z0-9._-]+){2,10}$/,
  'an absolute directory below a top-level one, such as /opt/perl, without . or .. parts',
);
const PARAMETER = text(
  /^(?=.{1,512}$)(\/?[A-Za-z0-9_.-]+)(\/[A-Za-z0-9_.-]+){0,15}$/,
  'the name of an SSM parameter, such as /irekae/mackerel-api-key',
);
const TAG_KEY = text(
  /^(?!aws:|irekae:)[\p{L}\p{N} _.:/=+@-]{1,128}$/iu,
  'a tag key of 1 to 128 characters that does not begin with aws: or irekae:',
);
const TAG_VALUE = text(/^[\p{L}\p{N} _.:/=+@-]{0,256}$/u, 'a tag value of at most 256 characters');

const arn = (service: string, rest: string, example: string) =>
  text(new RegExp(`^arn:aws[a-z-]*:${service}:${rest}$`), `an ARN such as ${example}`);
const PATH = '([\\w+=,.@-]+/)*[\\w+=,.@-]+';
const POLICY_ARN = arn('iam', `:(aws|\\d{12}):policy/${PATH}`, 'arn:aws:iam::123456789012:policy/app');
const PROFILE_ARN = arn(
  'iam',
  `:\\d{12}:instance-profile/${PATH}`,
  'arn:aws:iam::123456789012:instance-profile/app',
);
const ROLE_ARN = arn('iam', `:\\d{12}:role/${PATH}`, 'arn:aws:iam::123456789012:role/app');
const KMS_KEY_ARN = arn(
  'kms',
  '[a-z0-9-]+:\\d{12}:key/[0-9a-f-]+',
  'arn:aws:kms:eu-west-1:123456789012:key/1234abcd-…',
);
const TARGET_GROUP_ARN = arn(
  'elasticloadbalancing',
  '[a-z0-9-]+:\\d{12}:targetgroup/[A-Za-z0-9-]{1,32}/[0-9a-f]{16}',
  'arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/app/0123456789abcdef',
);

const FUNCTION_ARN = arn(
  'lambda',
  '[a-z0-9-]+:\\d{12}:function:[A-Za-z0-9_-]{1,64}(:[A-Za-z0-9_-]{1,128})?',
  'arn:aws:lambda:eu-west-1:123456789012:function:migrate, of a version or an alias, too',
);

const id = (prefix: string) =>
  text(new RegExp(`^${prefix}-([0-9a-f]{8}|[0-9a-f]{17})$`), `an id such as ${prefix}-0123456789abcdef0`);

const EMAIL = text(/^[^\s@]+@[^\s@]+$/, 'an e-mail address');

// ── An environment ─────────────────────────────────────────────────────────────────────────────────────────────────

export const EnvironmentConfig = only({
  /** The stack is `irekae-<name>`. */
  name: ENVIRONMENT,
  account: ACCOUNT,
  region: text(/^[a-z]{2,4}(-[a-z]+)+-\d{1,2}$/, 'an AWS Region such as ap-northeast-1'),
  /**
   * A bucket of yours that receives the artifacts: versioned, EventBridge notifications on. Default: the stack makes one.
   */
  existingBucket: v.optional(
    text(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, 'the name of an S3 bucket, 3 to 63 lower-case characters'),
  ),
  /**
   * Your own KMS key that encrypts the bucket, yours or the stack's: the functions and the hosts' roles may use it for
   * this bucket alone. Its own policy has to let the account's IAM decide. Default: none, S3's own key.
   */
  bucketKmsKeyArn: v.optional(KMS_KEY_ARN),
  /** An IAM policy that bounds every role of the stacks: what it does not allow, none of them may. Default: none. */
  permissionsBoundaryArn: v.optional(POLICY_ARN),
  /** Name of the SSM SecureString that holds the Mackerel API key. Default: `/irekae/mackerel-api-key`. */
  apiKeyParameter: v.optional(PARAMETER, '/irekae/mackerel-api-key'),
  /** The KMS key that encrypts this parameter, when it is not the account's own `aws/ssm`. */
  apiKeyKmsKeyArn: v.optional(KMS_KEY_ARN),
  /** Who gets mail from the alarms and of bad endings; each address must confirm once. Default: nobody, subscribe to the topic yourself. */
  alarmEmails: v.optional(list(EMAIL, 0, 20), []),
  /**
   * Who gets mail about how each deployment ended; each address must confirm once. A topic of its own, which never pages
   * anyone. Default: nobody, subscribe to the topic yourself.
   */
  notifyEmails: v.optional(list(EMAIL, 0, 20), []),
  /**
   * Where the functions ask, in the SDKs' own variables: `AWS_ENDPOINT_URL_SFN`, `AWS_USE_FIPS_ENDPOINT`, …; and
   * `MACKEREL_APIBASE`. Default: nothing, so AWS's and Mackerel's own.
   */
  endpoints: v.optional(
    v.record(
      text(
        /^(AWS_ENDPOINT_URL(_[A-Z0-9_]{1,60})?|AWS_USE_FIPS_ENDPOINT|MACKEREL_APIBASE)$/,
        'AWS_ENDPOINT_URL, AWS_ENDPOINT_URL_SERVICE, AWS_USE_FIPS_ENDPOINT or MACKEREL_APIBASE',
      ),
      text(/^(https:\/\/[A-Za-z0-9.:/_-]{1,250}|true)$/, 'a URL that begins with https://; true for FIPS'),
      'variables and their values',
    ),
    {},
  ),
});
export type EnvironmentConfig = v.InferOutput<typeof EnvironmentConfig>;

// ── A fleet ────────────────────────────────────────────────────────────────────────────────────────────────────────

const Mackerel = only({
  service: MACKEREL,
  role: MACKEREL,
  /**
   * A new host is ready only when it has posted a metric since its launch: proof of a living agent, for a minute more.
   * Needed where Mackerel's AWS integration registers instances by itself. Default: false.
   */
  wantsFreshMetric: v.optional(v.boolean('true or false'), false),
});

const Runtime = only({
  key: KEY,
  /** Where the host unpacks it. */
  directory: DIRECTORY,
});

const OWNER = text(/^(\d{12}|self|amazon)$/, 'self, amazon or an account id');

const Image = either('from', [
  /** An SSM parameter that holds an image id; public ones (`/aws/service/…`) too. */
  only({
    from: v.literal('parameter'),
    parameter: PARAMETER,
    /** Whose images it may name beside your own: an account id or `amazon`. Default: `amazon` for `/aws/service/…`, else nobody's. */
    owner: v.optional(OWNER),
  }),
  /** The newest image that matches all of this. Needs a name pattern or a tag. */
  only({
    from: v.literal('search'),
    /** An account id, `self` or `amazon`. Without an owner, a stranger's image of the same name would do. */
    owner: OWNER,
    /** With `*` and `?`: `reactio-app-*`. */
    namePattern: v.optional(
      text(/^[A-Za-z0-9()[\] ./'@_*?-]{3,128}$/, 'a name pattern of 3 to 128 characters, with * and ?'),
    ),
    tags: v.optional(v.record(TAG_KEY, TAG_VALUE, 'tag keys and values'), {}),
  }),
]);

const InstanceProfile = either('kind', [
  /** The stack makes role and profile: may read this fleet's artifacts, plus these managed policies. */
  only({ kind: v.literal('made'), managedPolicies: v.optional(list(POLICY_ARN, 0, 10), []) }),
  /**
   * Yours. Its role needs `s3:GetObjectVersion` on the artifacts, and `kms:Decrypt` on a key of the bucket's; irekae may
   * pass it to EC2 and nothing else.
   */
  only({ kind: v.literal('given'), arn: PROFILE_ARN, roleArn: ROLE_ARN }),
]);

const LoadBalancer = either('kind', [
  only({
    kind: v.literal('classic'),
    name: text(
      /^(?!internal-)[A-Za-z0-9]([A-Za-z0-9-]{0,30}[A-Za-z0-9])?$/,
      'the name of a classic ELB, at most 32 letters, digits and -',
    ),
  }),
  only({ kind: v.literal('target-group'), arn: TARGET_GROUP_ARN }),
]);

/** One check, so that a bad value is told about once. */
const TEMPLATE_VERSION = v.custom<number | 'newest'>(
  (given) => given === 'newest' || (Number.isInteger(given) && Number(given) >= 1),
  'a version number, 1 or more, or newest',
);

const LaunchTemplate = only({
  id: id('lt'),
  /** A number: this version, until the file says another one. `newest`: what is the newest as each deployment begins. */
  version: TEMPLATE_VERSION,
  /** The key pair that it names. Default: it names none. */
  keyPair: v.optional(text(/^[\x20-\x7e]{1,255}$/, 'the name of a key pair, 1 to 255 ASCII characters')),
});

const RootVolume = only({
  /** As the image calls it; a deployment refuses an image that calls it otherwise. Default: `/dev/xvda`. */
  device: v.optional(text(/^\/dev\/[a-z0-9]{3,10}$/, 'a device such as /dev/xvda or /dev/sda1'), '/dev/xvda'),
  /** At least the image's own. Default: 20. */
  sizeGiB: v.optional(whole(1, 16_384, ' GiB'), 20),
});
/** Of a fleet that says nothing of it. */
export const DEFAULT_VOLUME = v.parse(RootVolume, {});

const Limits = only({
  /**
   * From launch until all new hosts are ready. Default: 900; and a host that has not registered in Mackerel after three
   * times the slowest of the last starts, at least 4 minutes, is not waited for.
   */
  readySeconds: v.optional(whole(60, 7_200)),
  /** What breaks in any second of it is undone: then the new hosts are watched for as long as the slowest load balancer needs to show that. 0: they are not watched. Default: 60. */
  bakeSeconds: v.optional(whole(0, 86_400), 60),
  /** How long draining may take at most, whatever the load balancers allow: what still runs then is cut off, and the deployment goes on. Default: 300. */
  drainSeconds: v.optional(whole(0, 3_600), 300),
  /** From the first call until all old instances are terminated. Default: 600. */
  terminateSeconds: v.optional(whole(60, 3_600), 600),
  /** Each half of an undo: the old hosts serve again; the new instances are gone. Default: 600. */
  undoSeconds: v.optional(whole(60, 3_600), 600),
});

/** One check, so that a bad value is told about once. */
const checked = (isAllowed: (given: string) => boolean, allowed: string) =>
  v.pipe(v.string(allowed), v.check(isAllowed, allowed));

/** `Intl` also takes offsets (`+09:00`), which know nothing of summer time. */
const TIME_ZONE = checked(
  (name) => /^[A-Za-z]/.test(name) && isTimeZone(name),
  'the name of a time zone such as Asia/Tokyo, Europe/Berlin or UTC',
);
const TIME = text(/^([01]\d|2[0-3]):[0-5]\d$/, 'a time from 00:00 to 23:59');
const END_TIME = text(/^(([01]\d|2[0-3]):[0-5]\d|24:00)$/, 'a time from 00:00 to 24:00');
const DATE_TIME = checked(isDateTime, 'a local date and time such as 2026-12-28T18:00');
const LABEL = text(/^[^\p{Cc}\p{Cs}\u2028\u2029]{1,80}$/u, 'one line of 1 to 80 characters');

function isTimeZone(timeZone: string): boolean {
  try {
    if (!knownZones.has(timeZone)) new Intl.DateTimeFormat('en', { timeZone });
    knownZones.add(timeZone);
    return true;
  } catch {
    return false;
  }
}

/** `Intl` loads a calendar to tell, and a fleets file names few zones many times. */
const knownZones = new Set<string>();

/** And one that the calendar has: `Date` makes the 30th of February a day of March. */
function isDateTime(given: string): boolean {
  const moment = /^\d{4}-\d\d-\d\dT\d\d:\d\d$/.test(given) ? Date.parse(`${given}Z`) : Number.NaN;
  return !Number.isNaN(moment) && new Date(moment).toISOString().startsWith(given);
}

const Freeze = either('kind', [
  /** Every week, beginning on these days; a `to` that is not after `from` is on the next day. */
  only({
    kind: v.literal('weekly'),
    label: LABEL,
    timeZone: TIME_ZONE,
    days: list(v.picklist(WEEKDAYS, `one of ${WEEKDAYS.join(', ')}`), 1, 7),
    from: TIME,
    to: END_TIME,
  }),
  /** Once. */
  only({ kind: v.literal('dated'), label: LABEL, timeZone: TIME_ZONE, from: DATE_TIME, to: DATE_TIME }),
]);

const Promotion = only({
  /** The fleet whose artifact it is: what was deployed there, under another key or in another bucket, may be promoted. */
  from: FLEET,
  /** Is only what was promoted deployed? Default: true. */
  required: v.optional(v.boolean('true or false'), true),
  /**
   * Is what was promoted deployed only on the image that it was tested on, or a copy of that? Default: false; another
   * image is then told, in the plan, the deployment's sentence and its record.
   */
  testedImage: v.optional(v.boolean('true or false'), false),
  /** How long that fleet must have run a version before it may be promoted, after the deployment's own bake. Default: 0. */
  soakMinutes: v.optional(whole(0, 43_200, ' minutes'), 0),
});

const Watch = only({
  /**
   * Monitors of Mackerel, by name or id: of any kind, for example an external URL check, or a service metric's. No
   * deployment begins over an open alert of theirs; one that opens once a new host has traffic undoes the deployment.
   * Needs a bake, or hosts that go first. Default: none; only alerts of a new host decide.
   */
  monitors: v.optional(
    list(text(/^[^\p{Cc}\p{Cs}\u2028\u2029]{1,255}$/u, 'the name or id of a monitor, one line'), 0, 10),
    [],
  ),
});

const AT = v.picklist(POINTS, `one of ${POINTS.join(', ')}`);
const THEN_WHAT = v.picklist(THEN, `one of ${THEN.join(', ')}`);
const MINUTES = whole(1, LONGEST_MINUTES, ' minutes');

const Pause = only({
  at: AT,
  /** How long somebody is waited for, who lets it go on or cancels it: `irekae go`, `irekae cancel`. */
  timeoutMinutes: MINUTES,
  /** What happens when nobody has. Default: `undo`. */
  then: v.optional(THEN_WHAT, 'undo'),
});

const MOST_DETAILS = 4_096;
/** Step Functions would read such a name's value as a path into the document. */
const IS_A_PATH = /\.\$":/;
/** One check, so that a bad value is told about once. */
const DETAILS = v.custom<Readonly<Record<string, unknown>>>(
  (given) =>
    typeof given === 'object' &&
    given !== null &&
    !Array.isArray(given) &&
    JSON.stringify(given).length <= MOST_DETAILS &&
    !IS_A_PATH.test(JSON.stringify(given)),
  `an object of at most ${MOST_DETAILS} characters as JSON, in which no name ends in .$`,
);

const Hook = only({
  at: AT,
  /** Your Lambda function, of this account and Region; with the protocol of ECS's Lambda hooks. A call takes at most 15 minutes. */
  function: FUNCTION_ARN,
  /** How long it may answer `IN_PROGRESS`, and is called again. */
  timeoutMinutes: MINUTES,
  /** What happens when it has not answered `SUCCEEDED` or `FAILED` by then. Default: `undo`. */
  onTimeout: v.optional(THEN_WHAT, 'undo'),
  /** JSON for the function, with every call: `hookDetails`. No secrets: it stands in the state machine. Default: none. */
  details: v.optional(DETAILS),
});

const Compare = only({
  /** A host metric of Mackerel, as its graph names it: one that an agent or its plugin posts each minute. */
  metric: text(/^[\w.-]{1,255}$/, 'the name of a host metric such as custom.nginx.5xx'),
  /** So many times the old hosts' value is not worse yet. */
  atMostTimes: decimal(1, 100),
  /** A mean per host and minute, in the metric's own unit, as its graph shows it: up to this nothing is worse. */
  from: decimal(0, 1e12),
});

const First = only({
  /** How many of the new hosts get traffic first, spread over the zones. Less than the whole fleet, and at most 100 of more than 250. */
  hosts: whole(1, 499),
  /** For how long they are watched beside the old hosts; then as long as the slowest load balancer or monitor needs to show what broke in the last second. */
  watchSeconds: whole(10, 86_400),
});

export const FleetConfig = only({
  /** The state machines are `irekae-<name>`, `…-clean-up`, `…-override` and, with a `promotion`, `…-promote` and `…-promote-override`. */
  name: FLEET,
  /** The name of one of the environments. */
  environment: ENVIRONMENT,
  mackerel: Mackerel,
  /**
   * S3 key of the application tarball. An upload to it starts a deployment. Default: none; the machine image is then the
   * release, with the application in it, and a new image starts a deployment.
   */
  artifact: v.optional(KEY),
  /** Where its artifact comes from, other than by upload; see the README's section on promotion. Default: uploads only. */
  promotion: v.optional(Promotion),
  /**
   * Another fleet of this environment and artifact: an upload starts that one, and this one when that one is not undone
   * anymore.
   * Default: the upload starts this fleet too.
   */
  after: v.optional(FLEET),
  /** Tarballs that ride along: the Perl of 2015. Default: none. */
  runtimes: v.optional(list(Runtime, 0, 20), []),
  image: Image,
  architecture: v.picklist(ARCHITECTURES),
  /** In order of preference: the next one is asked for when EC2 has no capacity for the one before. */
  instanceTypes: list(text(/^[a-z][a-z0-9-]*\.[a-z0-9-]+$/, 'an instance type such as m7g.large'), 1, 20),
  /** One per zone. */
  subnets: list(id('subnet'), 1, 20),
  instancesPerZone: whole(1, 500),
  /**
   * When EC2 has no capacity for any of the instance types in a zone, its whole share is launched in another one: each
   * other subnet is tried with each type once, in order. The next deployment spreads the fleet again. Default: false;
   * the deployment then fails and is undone.
   */
  spillOver: v.optional(v.boolean('true or false'), false),
  /**
   * After a failed deployment, one of the instances that failed is kept for so many minutes, for you to log in: out of
   * the load balancers, retired in Mackerel, tagged `irekae:keep-until`. One that died or shut itself down cannot be
   * kept. Needs a load balancer. Default: 0, none.
   */
  keepFailedHostMinutes: v.optional(whole(0, 1_440, ' minutes'), 0),
  /**
   * New hosts that are not ready after three times what half of the fleet's new hosts took, or that EC2 lost, are
   * replaced once, when all others are ready and they are at most a tenth of the fleet (or one). Needs a fleet of 3
   * hosts or more, and room for that many more instances. Default: false; the deployment then waits for them until
   * `limits.readySeconds`, fails and is undone.
   */
  replaceStragglers: v.optional(v.boolean('true or false'), false),
  securityGroups: list(id('sg'), 1, 16),
  /** Default: made, without further policies. */
  instanceProfile: v.optional(InstanceProfile, { kind: 'made' }),
  /**
   * How many network hops the answers of the instance metadata service may take: containers on the host need 2 to get
   * the role's credentials. Default: 1, only the host itself.
   */
  metadataHopLimit: v.optional(whole(1, 64), 1),
  /**
   * A launch template of your own: volumes, spot and placement are its; image, type, subnet and user data come with each
   * deployment. A version that lacks what a deployment needs, or names another profile, groups or key pair than this
   * file, is refused before anything is launched. Default: the stack makes one.
   */
  launchTemplate: v.optional(LaunchTemplate),
  /** Default: none; ready then means registered in Mackerel. */
  loadBalancers: v.optional(list(LoadBalancer, 0, 10), []),
  rootVolume: v.optional(RootVolume, {}),
  /**
   * Your own KMS keys that its volumes are encrypted with: the account's default for EBS, and those of an encrypted
   * image. EC2 uses them in the name of who launches, and ends an instance at once where that may not. A key of another
   * account has to allow it, too. Default: none, which is right for AWS's own key `aws/ebs`.
   */
  kmsKeys: v.optional(list(KMS_KEY_ARN, 0, 10), []),
  /**
   * Starts the application on a new host, as root, when everything is unpacked (without an artifact: when it has booted). One line of shell; must end, well before
   * `limits.readySeconds` are over. It runs inside cloud-init: for a unit ordered after that, `systemctl start --no-block`.
   */
  startCommand: text(/^[^\p{Cc}\p{Cs}\u2028\u2029]{1,1024}$/u, 'one line of 1 to 1024 characters'),
  /**
   * An HTTP proxy for what a new host asks for outside: its artifacts from S3, and mackerel-agent. What the application
   * does is its own matter. Default: none; what the image says in the agent's configuration is then left as it is.
   */
  httpProxy: v.optional(
    text(
      /^https?:\/\/([A-Za-z0-9.-]{1,253}|\[[0-9a-f:]{2,39}\])(:\d{1,5})?$/,
      'the URL of a proxy such as http://proxy.internal:3128, without a name and a password: user data holds no secret',
    ),
  ),
  /** All in seconds. */
  limits: v.optional(Limits, {}),
  /** What decides besides the new hosts themselves. */
  watch: v.optional(Watch, {}),
  /**
   * Where a deployment waits for a person, one at each point: `before-launch`, `before-shift` (the new hosts are ready),
   * `after-shift` (the old ones are drained), `before-terminate` (the last moment at which all can be undone). At most a
   * day in all. Default: none.
   */
  pauses: v.optional(list(Pause, 0, POINTS.length), []),
  /**
   * Functions of yours that are asked at the same points, before the pause, at most five at each, one after the other: a
   * migration, a smoke test. One that fails has the deployment undone; what it did is not. At most a day in all.
   * Default: none.
   */
  hooks: v.optional(list(Hook, 0, POINTS.length * MOST_HOOKS), []),
  /**
   * Host metrics of Mackerel by which new hosts are compared with old ones: where a higher value is worse (errors, latency).
   * While both serve, at the same minutes; in the bake, with the old hosts' last ten minutes before the launch. Two minutes
   * warm-up and the two highest of five minutes are left out; two bad verdicts, four minutes apart, undo the deployment.
   * Needs a bake, or hosts that go first, which then last long enough for it. Missing points are no zeros. Default: none.
   */
  compare: v.optional(list(Compare, 0, 5), []),
  /**
   * A few of the new hosts join the load balancers first and are watched, with all signals of the bake, while all old hosts
   * serve beside them; then the others join. A fleet without a load balancer has no shares of requests: all its new hosts
   * are registered, and watched beside the old ones. Default: all join at once.
   */
  first: v.optional(First),
  /**
   * How long old and new hosts serve side by side once all new ones are ready, before the old ones leave. Default: the
   * longest slow start of the fleet's target groups, after which a new host gets its full share of requests; else 0.
   */
  sideBySideSeconds: v.optional(whole(0, 7_200)),
  /** Times in which it is not deployed, unless somebody insists with a reason. Default: none. */
  freezes: v.optional(list(Freeze, 0, 50), []),
  /**
   * When a new machine image of its kind is there, what runs is deployed again on it, by itself. Needs an image, or a
   * parameter, of your own account. Default: false; true for a fleet without an artifact, to which a new image is a new
   * release, unless it has an `after`.
   */
  redeployOnNewImage: v.optional(v.boolean('true or false')),
  /** On every instance and volume of the fleet. `Name` is yours to set; default: none. */
  tags: v.optional(
    v.pipe(
      v.record(TAG_KEY, TAG_VALUE, 'tag keys and values'),
      v.check((tags) => Object.keys(tags).length <= 40, 'at most 40 tags'),
    ),
    {},
  ),
});
export type FleetConfig = v.InferOutput<typeof FleetConfig>;

/** The type of the fleets file. */
export interface FleetsFile {
  readonly environments: readonly v.InferInput<typeof EnvironmentConfig>[];
  readonly fleets: readonly v.InferInput<typeof FleetConfig>[];
}
