/** The ledger of an environment: one DynamoDB item per fleet, its lock and what its holder does with it. */
import { RemovalPolicy } from 'aws-cdk-lib';
import { AttributeType, Billing, TableEncryptionV2, TableV2 } from 'aws-cdk-lib/aws-dynamodb';
import type { Construct } from 'constructs';

/** What the rest of the stack needs to know of it. */
export type LedgerTable = Pick<TableV2, 'tableName' | 'tableArn'>;

/**
 * Without it, the clean-up does not know what a dead deployment left: it outlives its stack, and can be restored, also
 * after somebody has deleted it. It has a made-up name, so that a new stack finds none in its way. DynamoDB's own
 * protection would keep a first deployment that failed from being rolled back.
 */
export function ledgerTable(scope: Construct): LedgerTable {
  return new TableV2(scope, 'Ledger', {
    partitionKey: { name: 'fleet', type: AttributeType.STRING },
    // A few hundred requests for each deployment, and none in between.
    billing: Billing.onDemand(),
    // DynamoDB's own key: another one would be one more permission for each step that asks.
    encryption: TableEncryptionV2.dynamoOwnedKey(),
    pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
    // Not of a first deployment that failed: each try would leave a table that cannot be deleted.
    removalPolicy: RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
  });
}
