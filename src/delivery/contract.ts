/** What the outgoing path lets a service choose. */

/** All policies for a remote side that reads too slowly; {@link OutboundPolicy} says what each does. */
export const outboundPolicies = ['close', 'drop', 'drop-oldest', 'latest'] as const;

/**
 * What happens to a push to a congested connection.
 *
 * - `close`: it is refused, and the connection is closed with 1013
 * - `drop`: it is refused, and the connection stays
 * - `drop-oldest`: it waits, and what has waited longest makes room for it
 * - `latest`: it waits, and the one with the same key that still waited is dropped; without a key it is refused
 */
export type OutboundPolicy = (typeof outboundPolicies)[number];
