/** Ids of a session's events are `<fence>-<n>`, ordered by both as numbers. Everything is after ''. */
export function isAfter(id: string, other: string): boolean {
  if (other === '') return true;
  const [fence = 0, n = 0] = id.split('-').map(Number);
  const [otherFence = 0, otherN = 0] = other.split('-').map(Number);
  return fence > otherFence || (fence === otherFence && n > otherN);
}
