/**
 * A DynamoDB table in memory, for tests that need Node alone: GetItem, and UpdateItem with as much of the expression
 * language as the ledger speaks. It refuses what it does not understand, and what DynamoDB refuses.
 */
import type { AwsReply, AwsRequest } from './aws-endpoint.ts';

type Value = Readonly<Record<string, string>>;
type Item = Record<string, Value>;

interface Update {
  readonly Key: Item;
  readonly ConditionExpression: string;
  readonly UpdateExpression: string;
  readonly ExpressionAttributeNames: Readonly<Record<string, string>>;
  readonly ExpressionAttributeValues: Readonly<Record<string, Value>>;
  readonly ReturnValues?: string;
  readonly ReturnValuesOnConditionCheckFailure?: string;
}

const MAX_ITEM_BYTES = 400 * 1024;
const same = (one: Value | undefined, other: Value | undefined) =>
  JSON.stringify(one) === JSON.stringify(other);

export class DynamoDbTable {
  readonly #items = new Map<string, Item>();

  /** What DynamoDB would answer; the effect takes place. */
  answer({ headers, body }: AwsRequest): AwsReply {
    const input = JSON.parse(body) as Update;
    const key = JSON.stringify(input.Key);
    if (headers['x-amz-target'] === 'DynamoDB_20120810.GetItem') return ok({ Item: this.#items.get(key) });
    const found = this.#items.get(key);
    try {
      const speech = new Speech(input);
      if (!speech.conditionHolds(found ?? {})) return conditionFailed(input, found);
      const item = speech.update({ ...input.Key, ...found });
      if (JSON.stringify(item).length > MAX_ITEM_BYTES * (4 / 3)) throw new Error('Item size has exceeded');
      this.#items.set(key, item);
      return ok(input.ReturnValues === undefined ? {} : { Attributes: item });
    } catch (error) {
      return refusal('ValidationException', { message: (error as Error).message });
    }
  }

  /** Somebody's hand in the table. */
  put(item: Item & { fleet: Value }): void {
    this.#items.set(JSON.stringify({ fleet: item.fleet }), item);
  }
}

/** One request's expressions with their placeholders. */
class Speech {
  readonly #input: Update;

  constructor(input: Update) {
    this.#input = input;
    const said = `${input.ConditionExpression} ${input.UpdateExpression}`;
    const used = new Set(said.match(/[#:]\w+/g));
    const given = [
      ...Object.keys(input.ExpressionAttributeNames),
      ...Object.keys(input.ExpressionAttributeValues),
    ];
    for (const name of given) if (!used.delete(name)) throw new Error(`unused in expressions: ${name}`);
    if (used.size > 0) throw new Error(`not defined: ${[...used].join()}`);
    if (/\b(?:AND|SET|REMOVE|ADD|,) *\w+ *[=,]/.test(said)) throw new Error('an attribute without a #');
  }

  conditionHolds(item: Item): boolean {
    return this.#input.ConditionExpression.split(' AND ').every((clause) => this.#clauseHolds(clause, item));
  }

  #clauseHolds(clause: string, item: Item): boolean {
    if (clause.startsWith('('))
      return clause
        .slice(1, -1)
        .split(' OR ')
        .some((each) => this.#clauseHolds(each, item));
    const [, test, tested = ''] = /^(attribute_exists|attribute_not_exists)\((#\w+)\)$/.exec(clause) ?? [];
    if (test !== undefined) return this.#attribute(tested) in item === (test === 'attribute_exists');
    const [, name = '', operator, list] = /^(#\w+) (=|<>|>=|<=|IN) (:\w+|\(.+\))$/.exec(clause) ?? [];
    if (list === undefined) throw new Error(`not understood: ${clause}`);
    const attribute = item[this.#attribute(name)];
    // Texts only; what is not there is neither more nor less than anything.
    if (operator === '>=') return (attribute?.S ?? '') >= String(this.#value(list).S);
    if (operator === '<=') return attribute?.S !== undefined && attribute.S <= String(this.#value(list).S);
    const hit = list
      .replace(/[()]/g, '')
      .split(', ')
      .some((value) => same(this.#value(value), attribute));
    return hit === (operator !== '<>');
  }

  update(before: Item): Item {
    const item = { ...before };
    for (const [, verb = '', clauses = ''] of this.#input.UpdateExpression.matchAll(
      /\b(SET|ADD|REMOVE) (.*?)(?= SET | ADD | REMOVE |$)/g,
    )) {
      for (const clause of clauses.split(/, (?=#)/)) this.#apply(verb, clause, item, before);
    }
    return item;
  }

  #apply(verb: string, clause: string, item: Item, before: Item): void {
    const [, name = '', value] = /^(#\w+)(?:(?: =)? (.+))?$/.exec(clause) ?? [];
    const attribute = this.#attribute(name);
    if (verb === 'REMOVE') delete item[attribute];
    else if (verb === 'ADD')
      item[attribute] = {
        N: String(Number(before[attribute]?.N ?? 0) + Number(this.#value(value ?? '').N)),
      };
    else item[attribute] = this.#operand(value ?? '', before);
  }

  #operand(operand: string, before: Item): Value {
    const [, name, value] = /^if_not_exists\((#\w+), (:\w+)\)$/.exec(operand) ?? [];
    if (name === undefined || value === undefined) return this.#value(operand);
    return before[this.#attribute(name)] ?? this.#value(value);
  }

  #attribute(name: string): string {
    const attribute = this.#input.ExpressionAttributeNames[name];
    if (attribute === undefined) throw new Error(`not understood: ${name}`);
    return attribute;
  }

  #value(name: string): Value {
    const value = this.#input.ExpressionAttributeValues[name];
    if (value === undefined) throw new Error(`not understood: ${name}`);
    return value;
  }
}

const ok = (body: object): AwsReply => ({ body: JSON.stringify(body) });

const refusal = (name: string, more: object): AwsReply => ({
  status: 400,
  body: JSON.stringify({ __type: `com.amazonaws.dynamodb.v20120810#${name}`, ...more }),
});

function conditionFailed(input: Update, Item: Item | undefined): AwsReply {
  const shown = input.ReturnValuesOnConditionCheckFailure === 'ALL_OLD' ? { Item } : {};
  return refusal('ConditionalCheckFailedException', { message: 'The conditional request failed', ...shown });
}
