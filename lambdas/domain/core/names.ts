/** Names that more than one room has to know. */

/** The source of irekae's events on the account's default bus. */
export const EVENT_SOURCE = 'irekae';

/** Variables of the functions, set by the stack: the name of the ledger's table, and the ARN of the topic for news. */
export const LEDGER_TABLE_VARIABLE = 'IREKAE_LEDGER_TABLE';
export const NEWS_TOPIC_VARIABLE = 'IREKAE_NEWS_TOPIC';
