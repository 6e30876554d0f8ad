/** How many shards each of `stores` keeps at most, so that all are kept and nobody has two more than another. */
export function fairShare(shards: number, stores: number): number {
  return Math.ceil(shards / Math.max(1, stores));
}
